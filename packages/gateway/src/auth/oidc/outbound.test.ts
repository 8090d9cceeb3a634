import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isProviderUrl, openOutbound, OutboundError, type OutboundOptions } from './outbound.ts';

const closers: (() => void)[] = [];
after(() => closers.forEach((close) => close()));

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
const serve = async (listener: RequestListener): Promise<string> =>
  `http://127.0.0.1:${await listening(createServer(listener))}/x`;
const open = (options: Partial<OutboundOptions> = {}) => {
  const outbound = openOutbound({ timeoutMs: 2_000, loopbackHttp: true, ...options });
  closers.push(() => outbound.close());
  return outbound;
};
const failsWith =
  (code: OutboundError['code']) =>
  (error: unknown): boolean =>
    error instanceof OutboundError && error.code === code;

test('openOutbound() sends what it is given and gives back status, fields and body', async () => {
  const url = await serve((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => response.writeHead(201, { 'X-Echo': request.method ?? '' }).end(body));
  });
  const response = await open().fetch(url, { method: 'POST', body: new URLSearchParams({ a: 'b c' }) });
  assert.deepEqual([response.status, response.headers.get('x-echo'), await response.text()], [201, 'POST', 'a=b+c']);
});

test('openOutbound() follows no redirect', async () => {
  const url = await serve((_, response) => response.writeHead(302, { Location: 'https://evil.example/' }).end());
  await assert.rejects(open().fetch(url, {}), failsWith('redirect'));
});

test('openOutbound() reads no more than it may', async () => {
  const url = await serve((_, response) => response.end('x'.repeat(1_001)));
  await assert.rejects(open({ maxBytes: 1_000 }).fetch(url, {}), failsWith('too-large'));
  assert.equal((await (await open({ maxBytes: 1_001 }).fetch(url, {})).text()).length, 1_001);
});

test('openOutbound() gives up when the head does not come in time', async () => {
  const url = await serve(() => {});
  await assert.rejects(open({ timeoutMs: 50 }).fetch(url, {}), failsWith('timeout'));
});

test('openOutbound() gives up when the body does not end in time', async () => {
  const url = await serve((_, response) => response.write('x'));
  await assert.rejects(open({ timeoutMs: 50 }).fetch(url, {}), failsWith('timeout'));
});

test('openOutbound() says that a server is not there', async () => {
  await assert.rejects(open().fetch('http://127.0.0.1:1/', {}), failsWith('network'));
});

test('openOutbound() asks nobody without encryption, unless it is this machine and that was said to be fine', async () => {
  await assert.rejects(open({ loopbackHttp: false }).fetch('http://127.0.0.1:1/', {}), failsWith('address'));
  await assert.rejects(open().fetch('http://login.example/', {}), failsWith('address'));
});

test('isProviderUrl() takes web addresses and nothing else', () => {
  const no = [
    'javascript:alert(1)',
    'file:///etc/passwd',
    'https://u:p@x/',
    'https:/x',
    ' https://x',
    'https://x y/',
    '',
  ];
  assert.deepEqual(
    no.map((url) => isProviderUrl(url, true)),
    no.map(() => false),
  );
  assert.ok(isProviderUrl('https://login.example/a?b=c', false));
  assert.ok(!isProviderUrl('http://127.0.0.1.evil.example/', true));
  assert.ok(!isProviderUrl('http://localhost.evil.example/', true));
});

test('openOutbound() believes the authority that it is given, and no other', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-oidc-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  const ca = readFileSync(cert, 'utf8');
  const server = createTlsServer({ key: readFileSync(key), cert: ca }, (_, response) => response.end('hello'));
  const url = `https://127.0.0.1:${await listening(server)}/`;
  assert.equal(await (await open({ ca }).fetch(url, {})).text(), 'hello');
  await assert.rejects(open().fetch(url, {}), failsWith('network'));

  // By way of a proxy: it is asked to connect, and sees nothing of what goes through.
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    const there = connect(Number((request.url ?? '').split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      there.pipe(socket).pipe(there);
    });
    there.on('error', () => socket.destroy());
    socket.on('error', () => there.destroy());
  });
  const port = await listening(proxy);
  const byProxy = open({ ca, proxy: `http://127.0.0.1:${port}` });
  assert.equal(await (await byProxy.fetch(url, {})).text(), 'hello');
  assert.deepEqual(asked, [new URL(url).host]);
});
