/** `POST /api/explain` on the admin listener: the answer of `cardea explain --json`, and who gets one. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { runCli } from '../src/cli/run.ts';
import { Screen } from '../src/cli/testing.ts';
import { postJson, startWatched, type WatchedGateway } from './credentials.ts';
import { send, startTestGateway, usersFile } from './harness.ts';

let gateway: WatchedGateway;
const config = (upstream: string): string => `
sign_in: [{ password: { users: users.yaml } }]
roles: { risk: { groups: [risk-team], modules: [Risk] } }
apps:
  - name: desk
    host: 127.0.0.1
    upstream: "${upstream}"
    rules: [{ path: /risk/**, module: Risk }, { path: /**, signed_in: true }]
  - name: viewer
    host: 127.0.0.1
    path: /viewer
    upstream: "${upstream}"
    sign_in: none
`;

before(async () => {
  gateway = await startWatched({ files: { 'users.yaml': await usersFile({ alice: ['risk-team'], bob: [] }) }, config });
});
after(() => gateway.close());

const explain = (question: object, headers: Readonly<Record<string, string>> = {}, admin = gateway.admin) =>
  postJson(`${admin}/api/explain`, question, headers);

test('/api/explain gives the answer of cardea explain --json', async () => {
  const at = '2026-11-23T12:00:00Z';
  for (const user of ['alice', 'bob']) {
    const { status, body } = await explain({ app: 'desk', user, path: '/risk/x', at });
    assert.equal(status, 200);
    const said = await command('--json', '--app', 'desk', '--user', user, '--path', '/risk/x', '--at', at);
    assert.deepEqual(JSON.parse(body), JSON.parse(said));
    assert.equal(JSON.parse(body).allow, user === 'alice');
  }
});

/** What the command says, whatever its exit status. */
async function command(...words: readonly string[]): Promise<string> {
  const [stdout, stderr] = [new Screen(), new Screen()];
  const surroundings = { stdin: Readable.from([]), env: {}, cwd: gateway.folder, version: '1', now: Date.now };
  await runCli(['explain', ...words], { serve: async () => {}, terminal: { ...surroundings, stdout, stderr } });
  return stdout.text;
}

test('/api/explain says of an app without sign-in that everybody may do everything', async () => {
  const { body } = await explain({ app: 'viewer', path: '/viewer/x' });
  const { allow, reason, rules } = JSON.parse(body);
  assert.deepEqual([allow, reason, rules], [true, 'public', []]);
});

test('/api/explain knows the names of the options', async () => {
  const question = { app: 'desk', path: '/x', group: 'a,b', method_of_sign_in: 'password', address: '10.0.0.1' };
  const { status, body } = await explain({ ...question, signed_in_at: '2026-11-23T12:00:00Z', method: 'POST' });
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(body).subject.groups, ['a', 'b']);
});

for (const [what, question, message] of [
  ['no path', { app: 'desk' }, /say which path/],
  ['no app', { path: '/' }, /say which app: desk, viewer/],
  ['an unknown app', { app: 'x', path: '/' }, /no such app/],
  ['an unknown name', { app: 'desk', path: '/', usr: 'bob' }, /A name is unknown/],
  ['a list', { app: 'desk', path: '/', group: ['a'] }, /group is not a text/],
  ['no time', { app: 'desk', path: '/', at: 'noon' }, /./],
] as const)
  test(`/api/explain refuses ${what}, and says why`, async () => {
    const { status, body } = await explain(question);
    assert.equal(status, 400);
    assert.match(JSON.parse(body).message, message);
  });

const question = { app: 'desk', path: '/' };

for (const [who, headers] of [
  ['a page of another site', { Origin: 'https://evil.example' }],
  ['a page under a name that leads here', { Origin: 'http://rebound.example:9464' }],
  ['a browser', { 'Sec-Fetch-Site': 'same-origin' }],
  ['somebody behind a proxy on this machine', { 'X-Forwarded-For': '10.0.0.1' }],
  ['a wrong token', { Authorization: 'Bearer x' }],
] as const)
  test(`/api/explain answers nothing to ${who}`, async () => {
    assert.equal((await explain(question, headers)).status, 403);
  });

test('/api/explain takes POST and JSON only, and no more of it than a question needs', async () => {
  const url = `${gateway.admin}/api/explain`;
  assert.equal((await send(url)).status, 405);
  assert.equal((await send(url, { method: 'POST', body: 'path=/' })).status, 415);
  assert.equal((await explain({ ...question, user: 'x'.repeat(17_000) })).status, 413);
});

test('/api/explain asks everybody for the token that is configured', async () => {
  const guarded = await startTestGateway({
    files: { 'users.yaml': await usersFile({ alice: [] }) },
    env: { TOKEN: 'a-long-enough-token' },
    config,
    adminToken: '${env:TOKEN}',
  });
  try {
    const token = { Authorization: 'Bearer a-long-enough-token' };
    assert.equal((await explain(question, {}, guarded.admin)).status, 403);
    assert.equal((await explain(question, { Authorization: 'Bearer b-long-enough-token' }, guarded.admin)).status, 403);
    assert.equal((await explain(question, token, guarded.admin)).status, 200);
    assert.equal((await explain(question, { ...token, 'X-Forwarded-For': '10.0.0.1' }, guarded.admin)).status, 200);
    assert.doesNotMatch(guarded.written(), /a-long-enough-token/);
  } finally {
    await guarded.close();
  }
});
