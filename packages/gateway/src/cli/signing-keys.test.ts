import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { stateTables } from '../server/state-tables.ts';
import { openDatabase } from '../stores/database.ts';
import { openKeys, saveKeys } from '../stores/key-file.ts';
import { longestSealedKeys, openKeptKeys } from '../stores/signing-key-keeper.ts';
import { sqliteSigningKeys } from '../stores/signing-keys-sqlite.ts';
import { KeyRing, newMasterKey } from '../tokens/key-ring.ts';
import { sealer } from '../tokens/seal.ts';
import { newSigningKey, type SigningKey } from '../tokens/signing-key.ts';
import { packSigningKeys } from '../tokens/signing-ring.ts';
import { runCli } from './run.ts';
import { Screen } from './testing.ts';

const root = mkdtempSync(join(tmpdir(), 'cardea-signing-keys-'));
after(() => rmSync(root, { recursive: true }));
const start = Date.UTC(2026, 10, 22, 9, 30);
const wish = { algorithm: 'ES256', bits: 2048 } as const;

/** A configuration, and the state of a gateway that has run with it and has one key. */
async function place(keys: object = { algorithm: 'ES256' }) {
  const folder = mkdtempSync(join(root, 'case-'));
  const app = { name: 'desk', host: 'desk', upstream: 'http://127.0.0.1:3000', rules: [{ path: '/**', public: true }] };
  const issuer = { url: 'https://auth.corp.example', clients: [{ id: 'd', audience: 'llm', groups: [] }], keys };
  const signIn = [{ trusted_header: { from: ['127.0.0.1/32'], header: 'X-User', default_domain: 'CORP' } }];
  writeFileSync(
    join(folder, 'cardea.yaml'),
    JSON.stringify({ state: './state', apps: [app], sign_in: signIn, issuer }),
  );
  const state = join(folder, 'state');
  const database = openDatabase(state, stateTables);
  const own = sealer(new KeyRing(openKeys(state, start)), 'signing-keys', longestSealedKeys);
  const store = sqliteSigningKeys(database);
  const first = await newSigningKey(wish, { createdAt: start - 1, usedFrom: start - 1 });
  await store.replace(undefined, own.seal(packSigningKeys([first])));
  return {
    folder,
    state,
    first,
    kept: async (): Promise<readonly SigningKey[]> => {
      const kept = await store.read();
      return kept === undefined
        ? []
        : openKeptKeys(kept, sealer(new KeyRing(openKeys(state, start)), 'signing-keys', longestSealedKeys));
    },
    audit: (): readonly Readonly<Record<string, unknown>>[] =>
      database
        .prepare('SELECT event FROM audit ORDER BY id')
        .all()
        .map(({ event }) => JSON.parse(String(event))),
    close: () => database.close(),
  };
}

async function run(folder: string, ...argv: readonly string[]) {
  const [stdout, stderr] = [new Screen(), new Screen()];
  const terminal = { stdin: Readable.from([]), stdout, stderr, env: {}, cwd: folder, version: '1', now: () => start };
  const status = await runCli(['signing-keys', ...argv], { serve: async () => {}, terminal });
  return { status, stdout: stdout.text, stderr: stderr.text };
}

test('cardea signing-keys list shows which key signs, and nothing secret', async () => {
  const { folder, first, close } = await place();
  const { status, stdout } = await run(folder, 'list');
  assert.equal(status, 0);
  assert.match(stdout, new RegExp(`${first.kid} +ES256 +signs`));
  const { keys } = JSON.parse((await run(folder, 'list', '--json')).stdout);
  assert.deepEqual(keys, [
    { id: first.kid, algorithm: 'ES256', state: 'signs', signs_from: new Date(start - 1).toISOString() },
  ]);
  close();
});

test('cardea signing-keys rotate makes a key that signs after publish_ahead, and writes it down', async () => {
  const { folder, first, kept, audit, close } = await place({ algorithm: 'ES256', publish_ahead: '2h' });
  const { status, stdout } = await run(folder, 'rotate', '--json');
  assert.equal(status, 0);
  const { made } = JSON.parse(stdout);
  assert.deepEqual(
    (await kept()).map(({ kid, usedFrom }) => [kid, usedFrom]),
    [
      [first.kid, start - 1],
      [made, start + 7_200_000],
    ],
  );
  const [event] = audit();
  assert.deepEqual([event?.['kind'], event?.['key'], event?.['by']], ['signing-key-made', made, userInfo().username]);
  assert.match((await run(folder, 'list')).stdout, new RegExp(`${made} +ES256 +waits`));
  close();
});

test('cardea signing-keys rotate --now makes a key that signs at once', async () => {
  const { folder, first, close } = await place();
  const { made } = JSON.parse((await run(folder, 'rotate', '--now', '--json')).stdout);
  const { stdout } = await run(folder, 'list');
  assert.match(stdout, new RegExp(`${made} +ES256 +signs`));
  assert.match(stdout, new RegExp(`${first.kid} +ES256 +verifies`));
  close();
});

test('cardea signing-keys retire takes a key away; without another one that signs, it makes one', async () => {
  const { folder, first, kept, audit, close } = await place();
  const { status, stdout } = await run(folder, 'retire', '--id', first.kid, '--json');
  const { retired, made } = JSON.parse(stdout);
  assert.deepEqual([status, retired, (await kept()).map(({ kid }) => kid)], [0, first.kid, [made]]);
  assert.deepEqual(
    audit().map(({ kind, key }) => [kind, key]),
    [
      ['signing-key-retired', first.kid],
      ['signing-key-made', made],
    ],
  );
  const next = JSON.parse((await run(folder, 'rotate', '--now', '--json')).stdout).made;
  assert.equal(JSON.parse((await run(folder, 'retire', '--id', made, '--json')).stdout).made, null);
  assert.deepEqual(
    (await kept()).map(({ kid }) => kid),
    [next],
  );
  assert.equal((await run(folder, 'retire', '--id', first.kid)).status, 1);
  close();
});

test('cardea signing-keys reset makes a new key where the old ones cannot be opened any more', async () => {
  const { folder, state, kept, close } = await place();
  saveKeys(state, [newMasterKey(start)]);
  const failed = await run(folder, 'list');
  assert.deepEqual([failed.status, /signing-keys reset/.test(failed.stderr)], [1, true]);
  assert.equal((await run(folder, 'reset')).status, 2);
  const { status, stdout } = await run(folder, 'reset', '--yes', '--json');
  assert.deepEqual([status, (await kept()).map(({ kid }) => kid)], [0, [JSON.parse(stdout).made]]);
  close();
});

test('cardea signing-keys list shows keys of files, and the other verbs leave them alone', async () => {
  const { folder, close } = await place({ files: [{ file: 'one.pem' }] });
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(folder, 'one.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  assert.match((await run(folder, 'list')).stdout, /EdDSA +signs/);
  assert.match((await run(folder, 'rotate')).stderr, /these keys are files/);
  close();
});

test('cardea signing-keys says what is missing', async () => {
  const { folder, state, close } = await place();
  assert.equal((await run(folder)).status, 2);
  assert.equal((await run(folder, 'retire')).status, 2);
  assert.equal((await run(folder, 'list', '--now')).status, 2);
  close();
  rmSync(state, { recursive: true });
  assert.match((await run(folder, 'list')).stderr, /no gateway has run here/);
  const app = { name: 'desk', host: 'desk', upstream: 'http://127.0.0.1:3000', rules: [{ path: '/**', public: true }] };
  writeFileSync(join(folder, 'cardea.yaml'), JSON.stringify({ apps: [app] }));
  assert.match((await run(folder, 'list')).stderr, /there is no issuer/);
});
