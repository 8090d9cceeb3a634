/** The authorization API by way of the whole gateway: for oneself, by session and by key; about others without a directory. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeKey, postJson, startWatched, type WatchedGateway } from './credentials.ts';
import { send, signIn, type TestResponse, usersFile, withCsrf } from './harness.ts';

let gateway: WatchedGateway;
let alice: Readonly<Record<string, string>>;
let plainKey: string;
let checker: string;
let wikiChecker: string;

before(async () => {
  gateway = await startWatched({
    files: { 'users.yaml': await usersFile({ alice: ['risk-team', 'staff'], bob: ['staff'] }) },
    config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }, { api_key: {} }]
roles: { risk: { groups: [risk-team], modules: [Risk] } }
apps:
  - name: desk
    host: 127.0.0.1
    upstream: "${upstream}"
    rules:
      - { path: /health, public: true }
      - { path: /risk/**, methods: [GET], module: Risk }
      - { path: /risk/**, module: Risk, networks: 10.0.0.0/8 }
      - { path: /sign, max_age: 15m, groups: [risk-team] }
      - { path: /batch/**, groups: [batch] }
      - { path: /**, groups: [staff] }
  - name: people
    host: 127.0.0.1
    path: /people
    upstream: "${upstream}"
    sign_in: [password]
    rules: [{ path: /people/open, public: true }, { path: /**, signed_in: true }]
  - name: viewer
    host: 127.0.0.1
    path: /viewer
    upstream: "${upstream}"
    sign_in: none
  - name: wiki
    host: localhost
    upstream: "${upstream}"
    rules: [{ path: /**, signed_in: true }]
`,
  });
  alice = await withCsrf(gateway.origin, await signIn(gateway.origin, 'alice'));
  plainKey = await makeKey(gateway.folder, 'plain', '--group', 'batch', '--app', 'desk', '--path', '/batch/**');
  checker = await makeKey(gateway.folder, 'checker', '--may', 'check');
  wikiChecker = await makeKey(gateway.folder, 'wiki-checker', '--may', 'check', '--app', 'wiki');
});
after(() => gateway.close());

const check = (body: unknown, headers: Readonly<Record<string, string>> = alice): Promise<TestResponse> =>
  postJson(`${gateway.origin}/auth/check`, body, headers);
const asked = async (checks: readonly unknown[], headers = alice): Promise<readonly unknown[]> => {
  const response = await check({ checks }, headers);
  assert.equal(response.status, 200, response.body);
  const { answers } = JSON.parse(response.body) as { answers: readonly { allow: boolean; reason?: string }[] };
  return answers.map(({ allow, reason }) => (allow ? true : reason));
};
const keyed = (key: string): Readonly<Record<string, string>> => ({ 'X-API-Key': key });

test('/auth/check answers a person about themselves, each question in its place', async () => {
  const questions = [
    [{ path: '/risk/report' }, true],
    [{ path: '/risk/report', method: 'HEAD' }, true],
    [{ path: '/risk/report', method: 'POST' }, 'not-allowed'],
    [{ path: '/batch/1' }, 'not-allowed'],
    [{ path: '/sign' }, true],
    [{ path: '/health' }, true],
    [{ path: '/viewer/x' }, true],
    [{ path: '/people/1' }, true],
    [{ path: '/../etc' }, 'bad-path'],
    [{ path: '/a%2fb' }, 'bad-path'],
    [{ path: '/people;x/1' }, 'bad-path'],
    [{ path: '/risk;x' }, 'bad-path'],
    [{ path: '/auth/me' }, 'bad-path'],
    [{ group: 'Risk-Team' }, true],
    [{ group: 'it-admins' }, 'not-allowed'],
    [{ any_of_groups: ['it-admins', 'staff'] }, true],
    [{ all_of_groups: ['risk-team', 'staff'] }, true],
    [{ all_of_groups: ['risk-team', 'it-admins'] }, 'not-allowed'],
    [{ role: 'risk' }, true],
    [{ role: 'admin' }, 'not-allowed'],
    [{ module: 'Risk' }, true],
    [{ module: 'PnL' }, 'not-allowed'],
  ] as const;
  assert.deepEqual(
    await asked(questions.map(([question]) => question)),
    questions.map(([, answer]) => answer),
  );
});

test('/auth/check says what a request would meet', async () => {
  for (const path of ['/risk/report', '/batch/1', '/sign', '/health', '/people/open', '/else']) {
    const [answer] = await asked([{ path }]);
    const { status } = await send(`${gateway.origin}${path}`, { headers: { Cookie: alice['Cookie'] ?? '' } });
    assert.equal(answer === true, status !== 403 && status !== 401, path);
  }
});

test('/auth/check says how long its answers are good', async () => {
  const { body, headers } = await check({ checks: [{ group: 'staff' }] });
  assert.deepEqual(JSON.parse(body), { answers: [{ allow: true }], ttl: 30 });
  assert.equal(headers['cache-control'], 'private, max-age=30');
});

test('/auth/check takes no question by virtue of a cookie alone', async () => {
  const { Cookie = '' } = alice;
  const { status, body } = await check({ checks: [{ group: 'staff' }] }, { Cookie });
  assert.deepEqual([status, JSON.parse(body).error], [403, 'csrf']);
  const other = await check({ checks: [{ group: 'staff' }] }, { ...alice, Origin: 'https://elsewhere.example' });
  assert.equal(other.status, 403);
});

test('/auth/check asks nobody without a sign-in anything', async () => {
  const { status, body } = await check({ checks: [{ group: 'staff' }] }, {});
  assert.deepEqual([status, JSON.parse(body).error], [401, 'not-signed-in']);
});

test('/auth/check tells a key what it may do itself, within its scope', async () => {
  const questions = [
    [{ path: '/batch/1' }, true],
    [{ path: '/else' }, 'out-of-scope'],
    [{ path: '/people/1' }, 'out-of-scope'],
    [{ group: 'batch' }, true],
    [{ group: 'staff' }, 'not-allowed'],
  ] as const;
  assert.deepEqual(
    await asked(
      questions.map(([question]) => question),
      keyed(plainKey),
    ),
    questions.map(([, answer]) => answer),
  );
});

test('/auth/check counts a sign-in that an app does not take as none', async () => {
  const answers = await asked([{ path: '/people/1' }, { path: '/people/open' }], keyed(checker));
  assert.deepEqual(answers, ['not-signed-in', true]);
});

for (const [who, headers] of [
  ['a person', () => alice],
  ['a key without the right', () => keyed(plainKey)],
  ['a key with the right, for an app of another host', () => keyed(wikiChecker)],
] as const)
  test(`/auth/check tells ${who} nothing about others`, async () => {
    const { status, body } = await check({ user: 'CORP\\bob', checks: [{ group: 'staff' }] }, headers());
    assert.deepEqual([status, JSON.parse(body).error], [403, 'not-allowed']);
    const event = gateway.audit('authorization-refused').at(-1);
    assert.equal(event?.['about'], 'CORP\\bob');
  });

test('/auth/check says that there is no directory to ask about others, and only to a key that may ask', async () => {
  const { status, body } = await check({ checks: [{ user: 'CORP\\bob', group: 'staff' }] }, keyed(checker));
  assert.deepEqual([status, JSON.parse(body).error], [501, 'directory-not-configured']);
});

for (const [what, body, message] of [
  ['no JSON', 'x', /not JSON/],
  ['another value', [], /the body: /],
  ['no question', { checks: [] }, /checks: /],
  ['an unknown name', { checks: [{ group: 'a', grup: 'b' }] }, /checks\[0\]: .*grup/],
  ['an unknown name beside the questions', { checks: [{ group: 'a' }], usr: 'x' }, /the body: .*usr/],
  ['two things at once', { checks: [{ group: 'a', role: 'b' }] }, /checks\[0\]: ask about one thing/],
  ['nothing', { checks: [{ user: 'CORP\\bob' }] }, /checks\[0\]: ask about one thing/],
  ['a method without a path', { checks: [{ method: 'GET', group: 'a' }] }, /belong to path/],
  ['a method in small letters', { checks: [{ method: 'get', path: '/' }] }, /checks\[0\]\.method: .*GET/],
  [
    'an address of oneself',
    { checks: [{ path: '/', address: '10.0.0.1' }] },
    /address belongs to questions about others/,
  ],
  ['no address', { user: 'CORP\\bob', checks: [{ path: '/', address: 'desk' }] }, /checks\[0\]\.address/],
  ['a bare name', { user: 'bob', checks: [{ group: 'a' }] }, /user: write DOMAIN/],
  ['a number', { checks: [{ group: 1 }] }, /checks\[0\]\.group/],
  ['too many', { checks: Array.from({ length: 101 }, () => ({ group: 'a' })) }, /checks: .*100/],
] as const)
  test(`/auth/check refuses ${what}, and says where`, async () => {
    const { status, body: text } = await (typeof body === 'string'
      ? send(`${gateway.origin}/auth/check`, {
          method: 'POST',
          headers: { ...alice, 'Content-Type': 'application/json' },
          body,
        })
      : check(body));
    assert.equal(status, 400);
    assert.match(JSON.parse(text).message, message);
  });

test('/auth/check wants JSON by name', async () => {
  const { status } = await send(`${gateway.origin}/auth/check`, {
    method: 'POST',
    headers: { ...alice, 'Content-Type': 'text/plain' },
    body: '{"checks":[{"group":"staff"}]}',
  });
  assert.equal(status, 415);
});

test('/auth/me says what a front end needs to know beforehand', async () => {
  const { body } = await send(`${gateway.origin}/auth/me`, { headers: alice });
  const told = JSON.parse(body);
  assert.deepEqual(
    [told.account, told.groups, told.roles, told.modules, told.groups_known, told.provider, told.credentials],
    ['CORP\\alice', ['risk-team', 'staff'], ['risk'], ['Risk'], true, 'password', ['session']],
  );
  assert.equal(told.csrf_token, alice['X-CSRF-Token']);
  assert.equal(told.proven_at, told.authenticated_at);
  for (const end of [told.expires_at, told.idle_expires_at]) assert.ok(Date.parse(end) > Date.now());
});
