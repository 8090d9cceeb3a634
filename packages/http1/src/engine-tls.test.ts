import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { after, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { certificateHash } from './certificate-hash.ts';
import type { Certificate } from './tls.ts';
import { type Gate, handshake, rawUpstream, startGate, upstreamAt } from './engine-testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-tls-'));
after(() => rmSync(folder, { recursive: true }));

function certificate(name: string, ...options: readonly string[]): Certificate {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-nodes', '-days', '2', '-out', cert, '-keyout', key, ...names, ...options],
    { stdio: 'ignore' },
  );
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

const rsa = certificate('rsa', '-newkey', 'rsa:2048', '-sha256');
const ec = certificate('ec', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384');
const pss = certificate('pss', '-newkey', 'rsa:2048', '-sigopt', 'rsa_padding_mode:pss', '-sha512');
const der = ({ cert }: Certificate): Buffer => new X509Certificate(cert).raw;
const digest = (name: string, bytes: Buffer): string => createHash(name).update(bytes).digest('hex');
const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex');

for (const [what, made, hash] of [
  ['RSA with SHA-256', rsa, 'sha256'],
  ['ECDSA with SHA-384', ec, 'sha384'],
  ['RSASSA-PSS with SHA-512', pss, 'sha512'],
  ['RSA with SHA-1, for which SHA-256 stands', certificate('sha1', '-newkey', 'rsa:2048', '-sha1'), 'sha256'],
] as const) {
  test(`certificateHash() takes the hash of the signature: ${what}`, () => {
    assert.equal(hex(certificateHash(der(made))), digest(hash, der(made)));
  });
}

test('certificateHash() knows none for Ed25519', () => {
  assert.equal(certificateHash(der(certificate('ed', '-newkey', 'ed25519'))), undefined);
});

/** An engine with TLS whose every answer is the hash of the certificate that the connection got. */
async function hashing(tls: Certificate): Promise<Gate> {
  return startGate({
    tls,
    upstream: upstreamAt('http://127.0.0.1:1'),
    decide: ({ connection }) => ({
      kind: 'reply',
      reply: { status: 200, fields: [], body: `${connection.tls} ${String(hex(connection.certificateHash))}.` },
    }),
  });
}

test('engine gives each connection the hash of its own certificate, also after it was replaced', async () => {
  const gate = await hashing(rsa);
  const before = await gate.connectTls(rsa.cert);
  before.head('GET / HTTP/1.1', 'Host: a');
  await before.until(`true ${digest('sha256', der(rsa))}.`);

  gate.engine.replaceCertificate(ec);
  const later = await gate.connectTls(ec.cert);
  later.head('GET / HTTP/1.1', 'Host: a');
  await later.until(`true ${digest('sha384', der(ec))}.`);
  before.head('GET / HTTP/1.1', 'Host: a');
  await before.until(`${digest('sha256', der(rsa))}.`, `${digest('sha256', der(rsa))}.`);
  await gate.close();
});

test('engine keeps its certificate when the new one is unusable', async () => {
  const gate = await hashing(rsa);
  assert.throws(() => gate.engine.replaceCertificate({ cert: 'no', key: 'no' }));
  const client = await gate.connectTls(rsa.cert);
  client.head('GET / HTTP/1.1', 'Host: a');
  await client.until('true');
  await gate.close();
});

test('engine has no certificate hash without TLS, and none to replace', async () => {
  const gate = await startGate({
    upstream: upstreamAt('http://127.0.0.1:1'),
    decide: () => ({ kind: 'reply', reply: { status: 200, fields: [], body: '.' } }),
  });
  const client = await gate.connect();
  client.head('GET / HTTP/1.1', 'Host: a');
  await client.until('\r\n\r\n.');
  assert.deepEqual([gate.heads[0]?.connection.tls, gate.heads[0]?.connection.certificateHash], [false, undefined]);
  assert.throws(() => gate.engine.replaceCertificate(rsa), /has none/);
  await gate.close();
});

test('engine survives what is not TLS, and serves the next client', async () => {
  const gate = await hashing(rsa);
  const plain = await gate.connect();
  plain.head('GET / HTTP/1.1', 'Host: a');
  await plain.end();
  const client = await gate.connectTls(rsa.cert);
  client.head('GET / HTTP/1.1', 'Host: a');
  await client.until('true');
  await gate.close();
  assert.deepEqual(gate.errors, []);
});

test('engine keeps the TLS connection after a 401 on an upgrade, and opens the tunnel on it', async () => {
  const upstream = await rawUpstream();
  const gate = await startGate({
    tls: rsa,
    upstream: upstreamAt(upstream.origin),
    decide: (head, _signal, forward) =>
      head.target === '/2' ? forward() : { kind: 'reply', reply: { status: 401, fields: [], body: 'who' } },
  });
  const client = await gate.connectTls(rsa.cert);
  client.head('GET /1 HTTP/1.1', ...handshake);
  await client.until('who');
  client.head('GET /2 HTTP/1.1', ...handshake);
  const server = await upstream.next();
  await server.until('\r\n\r\n');
  server.send('HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello');
  await client.until('101', 'hello');
  client.send('back');
  await server.until('back');
  await gate.close();
  await upstream.close();
});

/** The server name that the client asked for. */
const nameIn = (socket: Duplex): string => (socket instanceof TLSSocket && socket.servername) || 'nobody';

/** An app that speaks TLS and knows WebSockets by a bare 101. */
async function secureApp(
  made: Certificate,
): Promise<{ readonly server: https.Server; readonly origin: (host: string) => string }> {
  const server = https.createServer({ ...made }, (request, response) =>
    response.end(`host ${request.headers.host} of ${nameIn(request.socket)}.`),
  );
  server.on('upgrade', (_request, socket) => {
    socket.write(`HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\ntunnel to ${nameIn(socket)}.`);
    socket.on('data', () => socket.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, origin: (host) => `https://${host}:${(server.address() as AddressInfo).port}` };
}

test('engine speaks TLS to an upstream whose authority it was given, and checks the name of the upstream, not the Host', async () => {
  const app = await secureApp(ec);
  for (const host of ['127.0.0.1', 'localhost']) {
    const gate = await startGate({ upstream: upstreamAt(app.origin(host), { ca: ec.cert }) });
    const client = await gate.connect();
    client.head('GET / HTTP/1.1', 'Host: public.example');
    const name = host === 'localhost' ? 'localhost' : 'nobody';
    await client.until(`host public.example of ${name}.`);
    const socket = await gate.connect();
    socket.head('GET / HTTP/1.1', ...handshake);
    await socket.until('101', `tunnel to ${name}.`);
    await gate.close();
    assert.deepEqual(gate.failures, []);
  }
  app.server.close();
  await once(app.server, 'close');
});

test('engine answers 502 when the upstream certificate chains to nobody, and when there is no TLS at all', async () => {
  const app = await secureApp(rsa);
  const plain = await rawUpstream();
  for (const upstream of [upstreamAt(app.origin('127.0.0.1')), upstreamAt(plain.origin.replace('http:', 'https:'))]) {
    const gate = await startGate({ upstream });
    const client = await gate.connect();
    client.head('GET / HTTP/1.1', 'Host: a');
    if (upstream.origin.startsWith(plain.origin.replace('http:', 'https:')))
      (await plain.next()).send('HTTP/1.1 400 No\r\n\r\n');
    await client.until('502', 'failed: tls');
    await gate.close();
  }
  await plain.close();
  app.server.close();
  await once(app.server, 'close');
});

test('engine shows each client the certificate for the name that it asks for, and the first one to all others', async () => {
  const named = certificate('named', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256');
  const wild = certificate('wild', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256');
  const gate = await startGate({
    tls: [rsa, { ...named, names: ['App.example'] }, { ...wild, names: ['*.corp.example'] }],
    upstream: upstreamAt('http://127.0.0.1:1'),
    decide: ({ connection }) => ({
      kind: 'reply',
      reply: { status: 200, fields: [], body: `${String(hex(connection.certificateHash))}.` },
    }),
  });
  for (const [servername, expected] of [
    ['app.example', named],
    ['a.corp.example', wild],
    ['corp.example', rsa],
    ['a.b.corp.example', rsa],
    ['localhost', rsa],
  ] as const) {
    // The certificates name localhost alone: which one is shown is the question, not whether a client believes it.
    const client = await gate.connectTls([rsa, named, wild].map(({ cert }) => cert).join(''), {
      servername,
      anyName: true,
    });
    client.head('GET / HTTP/1.1', 'Host: a');
    await client.until(`${digest('sha256', der(expected))}.`);
  }
  await gate.close();
});

test('engine agrees on http/1.1 with a client that would rather have HTTP/2', async () => {
  const gate = await hashing(rsa);
  const { socket } = await gate.connectTls(rsa.cert);
  assert.equal((socket as TLSSocket).alpnProtocol, 'http/1.1');
  await gate.close();
});

test('engine closes a connection on which TLS does not come about in time', async () => {
  const gate = await startGate({
    tls: rsa,
    upstream: upstreamAt('http://127.0.0.1:1'),
    limits: { headTimeoutMs: 100 },
  });
  const client = await gate.connect();
  assert.equal(await client.end(), '');
  await gate.close();
});

test('engine reads a PROXY protocol header in front of TLS', async () => {
  const gate = await startGate({
    tls: rsa,
    proxyProtocol: () => true,
    upstream: upstreamAt('http://127.0.0.1:1'),
    decide: ({ connection: { remoteAddress, tls, certificateHash } }) => ({
      kind: 'reply',
      reply: { status: 200, fields: [], body: `${remoteAddress} ${String(tls)} ${hex(certificateHash)}.` },
    }),
  });
  const client = await gate.connectTls(rsa.cert, { first: 'PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n' });
  client.head('GET / HTTP/1.1', 'Host: a');
  await client.until(`2001:db8::7 true ${digest('sha256', der(rsa))}.`);
  await gate.close();
});
