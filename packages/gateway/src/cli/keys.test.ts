import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { KnownApiKeys } from '../auth/api-key.ts';
import { apiKeyHash, readApiKey } from '../auth/api-key-text.ts';
import { sqliteApiKeys } from '../stores/api-keys-sqlite.ts';
import { makePlace, type Ran, runIn } from './testing.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-keys-cli-'));
after(() => rmSync(root, { recursive: true }));
const start = Date.UTC(2026, 10, 22, 9, 30);

/** A configuration, and the database of a gateway that has run with it. */
function place() {
  const { folder, database, audit } = makePlace(root);
  return { folder, keys: sqliteApiKeys(database), audit, close: () => database.close() };
}

const run = (folder: string, argv: readonly string[], now = start): Promise<Ran> =>
  runIn(folder, ['keys', ...argv], { now: () => now });

test('cardea keys create prints the key once, alone, and keeps nothing of it but a hash', async () => {
  const { folder, keys, audit, close } = place();
  const scope = [
    '--app',
    'desk',
    '--path',
    '/api/**,/status',
    '--method',
    'GET,POST',
    '--group',
    'exporters, ops',
    '--may',
    'check',
  ];
  const { status, stdout, stderr } = await run(folder, [
    'create',
    '--name',
    'nightly',
    '--owner',
    'Ops',
    '--expires',
    '90d',
    ...scope,
  ]);
  assert.equal(status, 0);
  const text = stdout.trim();
  const read = readApiKey(text);
  assert.ok(read.kind === 'ok');
  assert.doesNotMatch(stderr, new RegExp(text.slice(18)));
  const key = await keys.find(read.id);
  assert.deepEqual(key && { ...key, hash: Buffer.from(key.hash).toString('hex') }, {
    id: read.id,
    hash: Buffer.from(apiKeyHash(text)).toString('hex'),
    name: 'nightly',
    owner: 'Ops',
    scope: { apps: ['desk'], paths: ['/api/**', '/status'], methods: ['GET', 'POST'] },
    groups: ['exporters', 'ops'],
    rights: ['check'],
    createdAt: start,
    expiresAt: start + 90 * 86_400_000,
    lastUsedAt: undefined,
    revokedAt: undefined,
  });
  const [event] = audit();
  assert.deepEqual([event?.['kind'], event?.['key'], event?.['by']], ['api-key-created', read.id, userInfo().username]);
  for (const { stdout: shown } of [
    await run(folder, ['list']),
    await run(folder, ['show', '--id', read.id]),
    await run(folder, ['list', '--json']),
  ])
    for (const secret of [text.slice(18), Buffer.from(apiKeyHash(text)).toString('base64').slice(0, 20)])
      assert.ok(!shown.includes(secret));
  assert.doesNotMatch(JSON.stringify(audit()), new RegExp(text.slice(18)));
  close();
});

test('cardea keys create says what a key is good for when nothing is said: everything, for a year', async () => {
  const { folder, keys, close } = place();
  const { stdout } = await run(folder, ['create', '--name', 'ci', '--json']);
  const made = JSON.parse(stdout);
  assert.deepEqual([made.apps, made.paths, made.methods, made.groups], ['all', 'all', 'all', []]);
  assert.equal(made.owner, userInfo().username);
  const key = await keys.find(made.id);
  assert.equal(key?.expiresAt, start + 365 * 86_400_000);
  assert.deepEqual(key.scope, { apps: undefined, paths: undefined, methods: undefined });
  close();
});

for (const [text, end] of [
  ['never', undefined],
  ['2026-11-22', Date.UTC(2026, 10, 23)],
  ['1h', start + 3_600_000],
] as const)
  test(`cardea keys create takes ${text} for the end of a key`, async () => {
    const { folder, keys, close } = place();
    const { stdout } = await run(folder, ['create', '--name', 'x', '--expires', text, '--json']);
    assert.equal((await keys.find(JSON.parse(stdout).id))?.expiresAt, end);
    close();
  });

for (const [what, options, message] of [
  ['without a name', [], /--name/],
  ['with a name that is a sentence', ['--name', 'the nightly export'], /--name/],
  ['for an app that there is not', ['--name', 'x', '--app', 'desk,wiki'], /there is no app "wiki"; there are desk/],
  ['for a path that no request has', ['--name', 'x', '--path', '/a/../b'], /--path/],
  ['for an empty list', ['--name', 'x', '--path', ''], /--path/],
  ['for a method in small letters', ['--name', 'x', '--method', 'get'], /--method.*Write GET/],
  ['that has ended already', ['--name', 'x', '--expires', '2026-11-21'], /--expires/],
  ['that ends on a day that there is not', ['--name', 'x', '--expires', '2027-02-30'], /--expires/],
  ['that ends somewhen', ['--name', 'x', '--expires', 'soon'], /--expires/],
  ['with an option twice', ['--name', 'x', '--path', '/a', '--path', '/b'], /--path is given twice/],
  ['with an option of another verb', ['--name', 'x', '--all'], /create takes no --all/],
] as const)
  test(`cardea keys create makes no key ${what}`, async () => {
    const { folder, keys, close } = place();
    const { status, stdout, stderr } = await run(folder, ['create', ...options]);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, message);
    assert.deepEqual(await keys.list(), []);
    close();
  });

test('cardea keys list shows what is good, and with --all what was', async () => {
  const { folder, close } = place();
  const make = async (name: string, expires: string): Promise<string> =>
    JSON.parse((await run(folder, ['create', '--name', name, '--expires', expires, '--json'])).stdout).id;
  const revoked = await make('old', '90d');
  await make('short', '1h');
  const good = await make('good', '90d');
  await run(folder, ['revoke', '--id', revoked]);
  const later = start + 7_200_000;
  const { stdout } = await run(folder, ['list'], later);
  assert.match(stdout, new RegExp(`^ID .*\n${good}  good `));
  assert.equal(stdout.trim().split('\n').length, 2);
  const all = JSON.parse((await run(folder, ['list', '--all', '--json'], later)).stdout).keys;
  assert.deepEqual(all.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`).sort(), [
    'good good',
    'old revoked',
    'short expired',
  ]);
  close();
});

test('cardea keys list says that there are none', async () => {
  const { folder, close } = place();
  assert.deepEqual(await run(folder, ['list']), { status: 0, stdout: 'There are no API keys.\n', stderr: '' });
  close();
});

test('cardea keys revoke ends a key by its name, which a gateway beside it hears of, and writes it down once', async () => {
  const { folder, keys, audit, close } = place();
  const { id } = JSON.parse((await run(folder, ['create', '--name', 'nightly', '--json'])).stdout);
  const known = new KnownApiKeys(keys);
  assert.equal(await known.isGood(id, start), true);
  const { status, stdout } = await run(folder, ['revoke', '--name', 'nightly']);
  assert.deepEqual([status, stdout], [0, `The key ${id} (nightly) is revoked.\n`]);
  assert.equal(await known.isGood(id, start + 1_000), false);
  const again = await run(folder, ['revoke', '--id', id]);
  assert.equal(again.status, 0);
  assert.match(again.stderr, /was revoked before/);
  assert.deepEqual(
    audit().map(({ kind, subject }) => [kind, subject]),
    [
      ['api-key-created', `api_key:${id}`],
      ['api-key-revoked', `api_key:${id}`],
    ],
  );
  close();
});

test('cardea keys revoke asks which one is meant when several have the name', async () => {
  const { folder, keys, close } = place();
  for (let i = 0; i < 2; i++) await run(folder, ['create', '--name', 'ci']);
  const { status, stderr } = await run(folder, ['revoke', '--name', 'ci']);
  assert.equal(status, 1);
  for (const { id } of await keys.list()) assert.ok(stderr.includes(`--id ${id}`));
  assert.ok((await keys.list()).every(({ revokedAt }) => revokedAt === undefined));
  close();
});

for (const argv of [[], ['make'], ['show'], ['revoke'], ['revoke', '--id', 'a', '--name', 'b']])
  test(`cardea keys ${argv.join(' ')} is not understood`, async () => {
    assert.equal((await run(root, argv)).status, 2);
  });

test('cardea keys show and revoke tell that there is no such key', async () => {
  const { folder, close } = place();
  assert.equal((await run(folder, ['show', '--id', 'abcdefghij'])).status, 1);
  assert.equal((await run(folder, ['revoke', '--id', 'abcdefghij'])).status, 1);
  assert.equal((await run(folder, ['revoke', '--name', 'x'])).status, 1);
  close();
});

test('cardea keys makes no database where no gateway has run', async () => {
  const folder = mkdtempSync(join(root, 'fresh-'));
  const app = { name: 'desk', host: 'desk', upstream: 'http://127.0.0.1:3000', rules: [{ path: '/**', public: true }] };
  writeFileSync(join(folder, 'cardea.yaml'), JSON.stringify({ state: './state', apps: [app] }));
  const { status, stderr } = await run(folder, ['create', '--name', 'x']);
  assert.equal(status, 1);
  assert.match(stderr, /no gateway has run here/);
});
