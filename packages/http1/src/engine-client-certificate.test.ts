import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { authorities } from '../test/authorities.ts';
import { type ClientCertificate, type Connection, startEngine } from './index.ts';
import type { Certificate } from './tls.ts';

const { authority, issue, remove } = authorities();
after(remove);

const ours = authority('ours').cert;
const theirs = authority('theirs').cert;
const forClients = 'extendedKeyUsage=clientAuth';
const server = issue('server', 'ours', 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth');
const other = issue('other', 'ours', 'subjectAltName=DNS:other.example\nextendedKeyUsage=serverAuth');
const alice = issue('alice', 'ours', forClients);
const stranger = issue('stranger', 'theirs', forClients);
const expired = issue('expired', 'ours', forClients, '-1');
const impostor = issue('impostor', 'ours', 'extendedKeyUsage=serverAuth');
const both = ours + theirs;

interface Seen {
  readonly certificate: ClientCertificate | undefined;
  readonly address: string;
}

const limits = {
  headBytes: 65_536,
  headerCount: 100,
  headTimeoutMs: 5_000,
  idleTimeoutMs: 5_000,
  bodyBytes: undefined,
};

/** An engine that tells what it has seen of each client. */
async function engine(
  options: {
    readonly clientCa?: string | undefined;
    readonly tls?: readonly Certificate[];
    readonly proxied?: boolean;
  } = {},
) {
  const seen: Seen[] = [];
  const look = ({ clientCertificate, remoteAddress }: Connection): void =>
    void seen.push({ certificate: clientCertificate, address: remoteAddress });
  const running = await startEngine(
    {
      address: '127.0.0.1',
      port: 0,
      tls: options.tls ?? [{ ...server, names: ['localhost'] }],
      clientCa: 'clientCa' in options ? options.clientCa : ours,
      limits,
      onError: (detail) => assert.fail(detail),
      ...(options.proxied === true ? { proxyProtocol: () => true } : {}),
    },
    {
      decide: ({ connection }) => {
        look(connection);
        return { kind: 'reply', reply: { status: 200, fields: [], body: '.' } };
      },
      upstreamFailed: () => ({ status: 502, fields: [], body: '' }),
      badRequest: (status) => ({ status, fields: [], body: '', close: true }),
    },
  );
  return { running, seen };
}

interface Asking {
  readonly certificate?: Certificate;
  readonly servername?: string;
  readonly session?: Buffer;
  readonly first?: string;
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
}

/** One request; gives the TLS session that could be resumed, and whether this one was. */
async function ask(port: number, { certificate, servername = 'localhost', session, first, maxVersion }: Asking = {}) {
  const below = net.connect({ host: '127.0.0.1', port });
  if (first !== undefined) below.write(first);
  const socket = tls.connect({
    socket: below,
    ca: both,
    servername,
    ...(servername === '' ? { checkServerIdentity: () => undefined } : {}),
    ...(certificate === undefined ? {} : { cert: certificate.cert, key: certificate.key }),
    ...(session === undefined ? {} : { session }),
    ...(maxVersion === undefined ? {} : { maxVersion }),
  });
  let ticket: Buffer | undefined;
  socket.on('session', (made: Buffer) => (ticket = made));
  await once(socket, 'secureConnect');
  const reused = socket.isSessionReused();
  const shown = socket.getPeerX509Certificate()?.subject;
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  socket.resume();
  await once(socket, 'close');
  return { ticket, reused, shown };
}

test('engine tells the certificate that a client has shown, and that it is verified', async () => {
  const { running, seen } = await engine();
  await ask(running.port, { certificate: alice });
  const [one] = seen;
  assert.deepEqual([one?.certificate?.verified, one?.certificate?.problem], [true, undefined]);
  assert.deepEqual(Buffer.from(one?.certificate?.der ?? []), new X509Certificate(alice.cert).raw);
  await running.drain(0);
});

test('engine serves a client without a certificate, who may sign in by other means', async () => {
  const { running, seen } = await engine();
  await ask(running.port);
  assert.deepEqual(seen, [{ certificate: undefined, address: '127.0.0.1' }]);
  await running.drain(0);
});

test('engine asks for no certificate when no authority is named', async () => {
  const { running, seen } = await engine({ clientCa: undefined });
  await ask(running.port, { certificate: alice });
  assert.equal(seen[0]?.certificate, undefined);
  await running.drain(0);
});

for (const [what, certificate, problem] of [
  ['of another authority', stranger, 'SELF_SIGNED_CERT_IN_CHAIN'],
  ['that has expired', expired, 'CERT_HAS_EXPIRED'],
  ['that is for servers', impostor, 'INVALID_PURPOSE'],
] as const)
  test(`engine does not call a certificate verified ${what}`, async () => {
    const { running, seen } = await engine();
    await ask(running.port, { certificate });
    assert.deepEqual([seen[0]?.certificate?.verified, seen[0]?.certificate?.problem], [false, problem]);
    await running.drain(0);
  });

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`engine knows the client's certificate on a resumed session as well, verified or not (${maxVersion})`, async () => {
    const { running, seen } = await engine();
    for (const certificate of [alice, stranger]) {
      const { ticket } = await ask(running.port, { certificate, maxVersion });
      assert.ok(ticket !== undefined);
      const { reused } = await ask(running.port, { certificate, session: ticket, maxVersion });
      assert.equal(reused, true);
    }
    assert.deepEqual(
      seen.map(({ certificate }) => [
        certificate?.verified,
        certificate && new X509Certificate(certificate.der).subject,
      ]),
      [
        [true, 'CN=alice'],
        [true, 'CN=alice'],
        [false, 'CN=stranger'],
        [false, 'CN=stranger'],
      ],
    );
    await running.drain(0);
  });

test('engine resumes no session of a listener that asks for other certificates, or for none', async () => {
  const one = await engine();
  const elsewhere = await engine({ clientCa: theirs });
  const { ticket } = await ask(one.running.port, { certificate: alice });
  assert.ok(ticket !== undefined);
  const { reused } = await ask(elsewhere.running.port, { certificate: alice, session: ticket });
  assert.equal(reused, false);
  assert.equal(elsewhere.seen[0]?.certificate?.verified, false);
  await one.running.drain(0);
  await elsewhere.running.drain(0);
});

test('engine asks for certificates under each name that it has', async () => {
  const { running, seen } = await engine({
    tls: [
      { ...server, names: ['localhost'] },
      { ...other, names: ['other.example'] },
    ],
  });
  await ask(running.port, { certificate: alice, servername: 'other.example' });
  await ask(running.port, { certificate: stranger, servername: 'other.example' });
  assert.deepEqual(
    seen.map(({ certificate }) => certificate?.verified),
    [true, false],
  );
  await running.drain(0);
});

test('engine goes on asking after its own certificate was replaced', async () => {
  const { running, seen } = await engine();
  running.replaceCertificate([
    { ...other, names: ['other.example'] },
    { ...server, names: ['localhost'] },
  ]);
  await ask(running.port, { certificate: alice, servername: 'other.example' });
  await ask(running.port, { certificate: alice });
  const { shown } = await ask(running.port, { certificate: alice, servername: '' });
  assert.equal(shown, 'CN=other');
  assert.deepEqual(
    seen.map(({ certificate }) => certificate?.verified),
    [true, true, true],
  );
  await running.drain(0);
});

test('engine takes the certificates of another authority from when that was replaced', async (t) => {
  const { running, seen } = await engine();
  t.after(() => running.drain(0));
  const { ticket } = await ask(running.port, { certificate: alice });
  running.replaceCertificate([{ ...server, names: ['localhost'] }], theirs);
  await ask(running.port, { certificate: alice });
  await ask(running.port, { certificate: stranger });
  assert.ok(ticket !== undefined);
  const { reused } = await ask(running.port, { certificate: alice, session: ticket });
  assert.equal(reused, false);
  assert.deepEqual(
    seen.map(({ certificate }) => certificate?.verified),
    [true, false, true, false],
  );
  // A new certificate of its own changes nothing about that.
  running.replaceCertificate([{ ...server, names: ['localhost'] }]);
  await ask(running.port, { certificate: stranger });
  assert.equal(seen.at(-1)?.certificate?.verified, true);
});

test('engine keeps the authority that it has when another one is none', async (t) => {
  const { running, seen } = await engine();
  t.after(() => running.drain(0));
  const certificates = [{ ...server, names: ['localhost'] }];
  assert.throws(() => running.replaceCertificate(certificates, 'nonsense'));
  await ask(running.port, { certificate: alice });
  running.replaceCertificate(certificates);
  await ask(running.port, { certificate: alice });
  assert.deepEqual(
    seen.map(({ certificate }) => certificate?.verified),
    [true, true],
  );
});

test('engine that asks for no certificates asks for none when it is given an authority', async (t) => {
  const { running, seen } = await engine({ clientCa: undefined });
  t.after(() => running.drain(0));
  running.replaceCertificate([{ ...server, names: ['localhost'] }], ours);
  await ask(running.port, { certificate: alice });
  assert.equal(seen[0]?.certificate, undefined);
});

test('engine tells each of many clients that come at once their own certificate and address', async () => {
  const { running, seen } = await engine({ proxied: true });
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      ask(running.port, {
        first: `PROXY TCP4 192.0.2.${i + 1} 127.0.0.1 1000 443\r\n`,
        ...(i % 2 === 0 ? { certificate: alice } : {}),
      }),
    ),
  );
  assert.equal(seen.length, 20);
  for (const { certificate, address } of seen) {
    const even = Number(address.slice('192.0.2.'.length)) % 2 === 1;
    assert.equal(certificate?.verified, even ? true : undefined, address);
  }
  await running.drain(0);
});

test('engine survives what is not TLS where it asks for certificates, and closes it', async () => {
  const { running, seen } = await engine();
  const plain = net.connect({ host: '127.0.0.1', port: running.port });
  plain.on('error', () => {});
  plain.write('GET / HTTP/1.1\r\n\r\n');
  plain.resume();
  await once(plain, 'close');
  await ask(running.port, { certificate: alice });
  assert.equal(seen.length, 1);
  const end = Date.now() + 2_000;
  while (running.connections().open > 0) {
    assert.ok(Date.now() < end, 'a connection is left over');
    await new Promise((resolve) => setImmediate(resolve)); // the other end of a socket: there is no event to wait for
  }
  await running.drain(0);
});
