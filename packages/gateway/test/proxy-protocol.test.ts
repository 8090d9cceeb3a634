/** A whole gateway behind load balancers that pass TLS through and speak the PROXY protocol. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { startTestGateway, type TestGateway, until } from './harness.ts';

const file = (name: string): string => readFileSync(join(import.meta.dirname, 'check/files', name), 'utf8');
const files = { 'gateway.pem': file('gateway.pem'), 'gateway.key': file('gateway.key') };
const tls = 'tls: { cert: gateway.pem, key: gateway.key }';
const listen = `[
  { address: "127.0.0.1:0", ${tls}, proxy_protocol: { from: [127.0.0.0/8] } },
  { address: "127.0.0.1:0", ${tls}, proxy_protocol: { from: [192.0.2.1] } },
  { address: "127.0.0.1:0", dangerously_plain_http: true, proxy_protocol: { from: [127.0.0.1] } } ]`;

const config = (more: string) => (upstream: string) =>
  `${more}
apps:
  - name: sample
    host: 127.0.0.1
    upstream: ${upstream}
    rules: [{ path: /**, public: true }]
`;

/** A connection to one of the listeners, by its place in the list. */
function open(gateway: TestGateway, listener = 0): Socket {
  const [host = '', port] = gateway.gateway.addresses[listener]?.split(':') ?? [];
  return connect({ host, port: Number(port) }).on('error', () => {});
}

/** All that comes until the other side closes. */
async function toTheEnd(socket: Socket | TLSSocket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  if (!socket.closed) await once(socket, 'close');
  return text;
}

const secured = (socket: Socket): TLSSocket => connectTls({ socket, rejectUnauthorized: false }).on('error', () => {});

const request = (...fields: readonly string[]): string =>
  ['GET /headers HTTP/1.1', 'Host: 127.0.0.1', 'Connection: close', ...fields, '', ''].join('\r\n');

/** What the app received in a field, when a connection that begins like this carries a request with these fields. */
async function received(
  gateway: TestGateway,
  header: string | Buffer,
  name: string,
  ...fields: string[]
): Promise<unknown> {
  const socket = open(gateway);
  socket.write(header);
  const secure = secured(socket);
  secure.write(request(...fields));
  const answer = await toTheEnd(secure);
  assert.match(answer, /^HTTP\/1\.1 200 /);
  const list: [string, string][] = JSON.parse(/\r\n\r\n[^[]*(\[[\s\S]*\])/.exec(answer)?.[1] ?? '[]');
  return new Map(list).get(name);
}

const v1 = (address: string): string => `PROXY TCP4 ${address} 198.51.100.1 56324 443\r\n`;

/** Version 2: `command` 0 is LOCAL, 1 is PROXY; `family` 0x11 is TCP over IPv4, 0x21 over IPv6. */
function v2(command: number, family: number, body: readonly number[]): Buffer {
  const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
  return Buffer.from([...signature, 0x20 | command, family, body.length >> 8, body.length & 0xff, ...body]);
}
const ports = [0xdc, 0x04, 0x01, 0xbb];
const v6 = (last: number): number[] => [0x20, 0x01, 0x0d, 0xb8, ...Array<number>(11).fill(0), last];

suite('behind load balancers that speak the PROXY protocol', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway({
      listen,
      files,
      config: config('limits: { head_timeout: 1s, connections_per_address: 10 }'),
    });
  });
  after(() => gateway.close());

  for (const [what, header, address] of [
    ['version 1', v1('203.0.113.7'), '203.0.113.7'],
    ['version 1 over IPv6', 'PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n', '2001:db8::7'],
    ['version 2', v2(1, 0x11, [203, 0, 113, 8, 198, 51, 100, 1, ...ports]), '203.0.113.8'],
    ['version 2 over IPv6', v2(1, 0x21, [...v6(8), ...v6(1), ...ports]), '2001:db8::8'],
    [
      'version 2 with an extension',
      v2(1, 0x11, [203, 0, 113, 9, 198, 51, 100, 1, ...ports, 4, 0, 1, 0]),
      '203.0.113.9',
    ],
  ] as const)
    test(`the client is the one that the header names: ${what}`, async () => {
      assert.equal(await received(gateway, header, 'X-Forwarded-For'), address);
    });

  for (const [what, header] of [
    ['LOCAL', v2(0, 0, [])],
    ['UNKNOWN', 'PROXY UNKNOWN\r\n'],
  ] as const)
    test(`the load balancer is the client itself when it says ${what}`, async () => {
      assert.equal(await received(gateway, header, 'X-Forwarded-For'), '127.0.0.1');
    });

  test('TLS behind the header is our own: the app is told of https', async () => {
    assert.equal(await received(gateway, v1('203.0.113.7'), 'X-Forwarded-Proto'), 'https');
  });

  test("a client's own forwarded fields are not believed, though its connection comes from the load balancer", async () => {
    const forged = await received(gateway, v1('203.0.113.7'), 'X-Forwarded-For', 'X-Forwarded-For: 10.9.9.9');
    assert.equal(forged, '203.0.113.7');
  });

  test('a header that comes byte by byte is read all the same', async () => {
    const socket = open(gateway);
    for (const byte of v1('203.0.113.7')) {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const secure = secured(socket);
    secure.write(request());
    assert.match(await toTheEnd(secure), /^HTTP\/1\.1 200 [\s\S]*203\.0\.113\.7/);
  });

  for (const [what, sent] of [
    ['TLS without a header', undefined],
    ['plain HTTP without a header', request()],
    ['an address that is none', v1('203.0.113.256')],
    ['a line without its end', `PROXY TCP4 203.0.113.7 198.51.100.1 56324 443${' '.repeat(200)}`],
    ['another version', v2(1, 0x11, [203, 0, 113, 7, 198, 51, 100, 1, ...ports]).fill(0x11, 12, 13)],
    ['addresses that are cut off', v2(1, 0x11, [203, 0, 113, 7])],
    ['a Unix socket for an address', v2(1, 0x31, Array<number>(216).fill(0x61))],
  ] as const)
    test(`a connection is closed without a word when it begins with ${what}`, async () => {
      const count = gateway.written().split('did not begin as proxy_protocol').length;
      const socket = open(gateway);
      if (sent === undefined) secured(socket).write(request());
      else socket.write(sent);
      assert.equal(await toTheEnd(socket), '');
      await until(() => gateway.written().split('did not begin as proxy_protocol').length > count, 'a line in the log');
    });

  test('a connection is closed when its header does not come to an end in time', async () => {
    const socket = open(gateway);
    socket.write('PROXY TCP4 203.0.113.7');
    assert.equal(await toTheEnd(socket), '');
    await until(() => gateway.written().includes('header-late'), 'a line in the log');
  });

  test('a connection from anybody else is closed, with a header and without', async () => {
    for (const sent of [v1('203.0.113.7'), request()]) {
      const socket = open(gateway, 1);
      socket.write(sent);
      assert.equal(await toTheEnd(socket), '');
    }
    const socket = open(gateway, 1);
    secured(socket).write(request());
    assert.equal(await toTheEnd(socket), '');
    await until(() => gateway.written().includes('"reason":"peer-not-named"'), 'a line in the log');
  });

  test('a listener without TLS, if that was allowed, reads the header too', async () => {
    const socket = open(gateway, 2);
    socket.write(v1('203.0.113.7') + request());
    assert.match(await toTheEnd(socket), /^HTTP\/1\.1 200 [\s\S]*203\.0\.113\.7/);
  });

  test('connections are counted for the client that the header names, not for the load balancer', async () => {
    const held: Socket[] = [];
    for (let i = 0; i < 10; i++) {
      const socket = open(gateway);
      socket.write(v1('203.0.113.66'));
      await once(secured(socket), 'secureConnect');
      held.push(socket);
    }
    const eleventh = open(gateway);
    eleventh.write(v1('203.0.113.66'));
    assert.equal(await toTheEnd(eleventh), '');
    assert.equal(await received(gateway, v1('203.0.113.67'), 'X-Forwarded-For'), '203.0.113.67');
    for (const socket of held) socket.destroy();
  });
});

suite('behind load balancers that speak the PROXY protocol for trusted proxies', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway({
      listen,
      files,
      // 127.0.0.1 is the load balancer itself; 198.51.100.0/24 are the proxies of which its header tells.
      config: config('trusted_proxies: [127.0.0.1/32, 198.51.100.0/24]\nlimits: { connections_per_address: 10 }'),
    });
  });
  after(() => gateway.close());
  const field = 'X-Forwarded-For: 203.0.113.9';

  test('forwarded fields are believed when the header names a trusted proxy', async () => {
    assert.equal(await received(gateway, v1('198.51.100.7'), 'X-Forwarded-For', field), '203.0.113.9');
  });

  test('forwarded fields of a stranger are not believed, though the load balancer that carries them is trusted', async () => {
    assert.equal(await received(gateway, v1('203.0.113.5'), 'X-Forwarded-For', field), '203.0.113.5');
  });

  test('connections of trusted proxies are not counted, those of others are', async () => {
    const held: Socket[] = [];
    const hold = async (address: string, connections: number): Promise<void> => {
      for (let i = 0; i < connections; i++) {
        const socket = open(gateway);
        socket.write(v1(address));
        await once(secured(socket), 'secureConnect');
        held.push(socket);
      }
    };
    await hold('198.51.100.7', 15);
    await hold('203.0.113.5', 10);
    const further = open(gateway);
    further.write(v1('203.0.113.5'));
    assert.equal(await toTheEnd(further), '');
    for (const socket of held) socket.destroy();
  });
});
