import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { type Engine, startEngine } from '@cardea/http1';
import type { FileWatch } from '../stores/file-watch.ts';
import { certificatesOf, watchCertificates } from './certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-certificates-'));
after(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A new key and a certificate for these names. */
function made(names: string): Pair {
  const [cert, key] = [path('made.pem'), path('made.key')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const about = ['-subj', '/CN=made', '-addext', `subjectAltName=${names}`, '-days', '100'];
  execFileSync('openssl', ['req', '-x509', '-nodes', ...kind, ...about, '-out', cert, '-keyout', key], {
    stdio: 'ignore',
  });
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

// All of them before any test takes its `now`: one made in the next second would be a certificate of the future.
const old = made('DNS:desk.example,DNS:old.example');
const renewed = made('DNS:desk.example');
const other = made('DNS:*.lab.example');
const moved = made('DNS:new.example');
const golden = join(import.meta.dirname, '../../test/check/files');
const expired: Pair = {
  cert: readFileSync(join(golden, 'expired.pem'), 'utf8'),
  key: readFileSync(join(golden, 'gateway.key'), 'utf8'),
};

const serial = ({ cert }: Pair): string => new X509Certificate(cert).serialNumber;
const sha256 = ({ cert }: Pair): string => createHash('sha256').update(new X509Certificate(cert).raw).digest('hex');

let engine: Engine;
let watch: FileWatch;
let now: number;
let log: string[];

const listener = {
  address: { host: '127.0.0.1', port: 0 },
  dangerously_plain_http: false,
  tls: [
    { cert: path('first.pem'), key: path('first.key'), at: [] },
    { cert: path('second.pem'), key: path('second.key'), at: [] },
  ],
};

function put(name: 'first' | 'second', { cert, key }: Pair): void {
  for (const [end, text] of [
    ['pem', cert],
    ['key', key],
  ] as const) {
    writeFileSync(path('next'), text);
    renameSync(path('next'), path(`${name}.${end}`));
  }
}

beforeEach(async () => {
  put('first', old);
  put('second', other);
  now = Date.now();
  log = [];
  const write =
    (level: string) =>
    (...words: unknown[]) =>
      void log.push(`${level} ${JSON.stringify(words)}`);
  const read = (file: string): Buffer => readFileSync(file);
  engine = await startEngine(
    {
      address: '127.0.0.1',
      port: 0,
      tls: certificatesOf(listener.tls, read),
      limits: { headBytes: 8_192, headerCount: 100, headTimeoutMs: 5_000, idleTimeoutMs: 5_000 },
      onError: (detail) => assert.fail(detail),
    },
    {
      // Says which certificate a token would have to be bound to.
      decide: ({ connection: { certificateHash } }) => ({
        kind: 'reply',
        reply: { status: 200, fields: [], body: `<${Buffer.from(certificateHash ?? []).toString('hex')}>` },
      }),
      upstreamFailed: () => ({ status: 502, fields: [], body: '' }),
      badRequest: (status) => ({ status, fields: [], body: '' }),
    },
  );
  watch = watchCertificates(engine, listener, {
    read,
    now: () => now,
    log: { info: write('info'), warn: write('warn'), error: write('error') },
    everyMs: 3_600_000,
  });
});

afterEach(async () => {
  watch.close();
  await engine.drain(0);
});

async function client(servername = 'desk.example'): Promise<TLSSocket> {
  const socket = connect({ port: engine.port, host: '127.0.0.1', servername, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return socket;
}

/** The serial number of the certificate that a new connection gets. */
async function shown(servername?: string): Promise<string> {
  const socket = await client(servername);
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  return certificate?.serialNumber ?? 'none';
}

async function boundTo(socket: TLSSocket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  let text = '';
  while (!text.includes('>')) text += String((await once(socket, 'data'))[0]);
  return /<(.*)>/.exec(text)?.[1] ?? '';
}

test('certificatesOf() takes the names from the certificates, so that each client gets the one for its name', async () => {
  assert.equal(await shown('desk.example'), serial(old));
  assert.equal(await shown('a.lab.example'), serial(other));
  assert.equal(await shown('nobody.example'), serial(old));
});

test('watchCertificates() gives new connections the renewed certificate and its hash; open ones go on with theirs', async () => {
  const before = await client();
  assert.equal(await boundTo(before), sha256(old));
  put('first', renewed);
  await watch.look();
  const later = await client();
  assert.equal(later.getPeerX509Certificate()?.serialNumber, serial(renewed));
  assert.equal(await boundTo(later), sha256(renewed));
  assert.equal(await boundTo(before), sha256(old));
  assert.equal(await shown('a.lab.example'), serial(other));
  before.destroy();
  later.destroy();
  assert.equal(log.filter((line) => line.startsWith('info')).length, 1);
  assert.ok(log.some((line) => line.startsWith('warn') && line.includes('old.example')));
});

test('watchCertificates() takes the names of the renewed certificate too', async () => {
  put('second', moved);
  await watch.look();
  assert.notEqual(await shown('new.example'), serial(old));
  assert.equal(await shown('a.lab.example'), serial(old));
});

const wrong: readonly (readonly [what: string, pair: Pair, says: RegExp])[] = [
  ['a key of another certificate', { cert: renewed.cert, key: old.key }, /does not belong to the certificate/],
  ['what is no certificate', { cert: 'nonsense', key: renewed.key }, /is not a certificate/],
  ['half a certificate', { cert: renewed.cert.slice(0, 300), key: renewed.key }, /is not a certificate/],
  ['an empty key', { cert: renewed.cert, key: '' }, /is not a private key/],
  ['an expired certificate', expired, /has expired/],
];

for (const [what, pair, says] of wrong)
  test(`watchCertificates() keeps what it has, and says so once, when the files hold ${what}`, async () => {
    put('first', pair);
    put('second', moved);
    for (let i = 0; i < 3; i++) await watch.look();
    assert.equal(await shown(), serial(old));
    assert.equal(await shown('a.lab.example'), serial(other));
    assert.equal(log.length, 1);
    assert.match(log[0] ?? '', /^error .*the one before it goes on/);
    assert.match(log[0] ?? '', says);
    assert.doesNotMatch(log[0] ?? '', /PRIVATE|MI[GIHE]/);

    put('first', renewed);
    await watch.look();
    assert.equal(await shown(), serial(renewed));
  });

test('watchCertificates() keeps what it has when a file is gone, and says which one', async () => {
  rmSync(path('second.key'));
  for (let i = 0; i < 2; i++) await watch.look();
  assert.equal(await shown('a.lab.example'), serial(other));
  assert.equal(log.length, 1);
  assert.match(log[0] ?? '', /^error .*second\.key.*ENOENT/);
});

test('watchCertificates() takes a certificate of the future as soon as it is valid', async () => {
  put('first', renewed);
  const from = new X509Certificate(renewed.cert).validFromDate.getTime();
  now = from - 60_000;
  await watch.look();
  assert.equal(await shown(), serial(old));
  assert.match(log.join('\n'), /valid only from/);
  now = from + 1_000;
  await watch.look();
  assert.equal(await shown(), serial(renewed));
});

test('watchCertificates() has nothing to do for a listener without TLS', async () => {
  const { tls: _, ...plain } = listener;
  const idle = watchCertificates(engine, plain, {
    read: () => assert.fail('nothing to read'),
    now: () => now,
    log: { info: assert.fail, warn: assert.fail, error: assert.fail },
  });
  await idle.look();
  idle.close();
});

test('watchCertificates() gives new connections the changed authority of clients, and keeps the one that it has instead of none', async () => {
  const authority = path('authority.pem');
  writeFileSync(authority, old.cert);
  const given: (string | undefined)[] = [];
  const asking = watchCertificates(
    { replaceCertificate: (_certificates, clientCa) => void given.push(clientCa) },
    { ...listener, client_ca: authority },
    {
      read: (file) => readFileSync(file),
      now: () => now,
      log: { info: () => {}, warn: () => {}, error: (...words: unknown[]) => void log.push(JSON.stringify(words)) },
      everyMs: 3_600_000,
    },
  );
  for (const text of ['nonsense', expired.cert, renewed.cert]) {
    writeFileSync(authority, text);
    await asking.look();
  }
  asking.close();
  assert.deepEqual(given, [renewed.cert]);
  assert.match(log[0] ?? '', /authority\.pem is not a certificate.*the one before it goes on/);
  assert.match(log[1] ?? '', /has expired/);
});
