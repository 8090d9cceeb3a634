/**
 * Upstreams that authenticate the connection and not the request, as NTLM does. The server here takes whatever comes on a
 * connection for the person who has proven themselves on it: nobody else may get there.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { type Gate, type GateOptions, startGate, upstreamAt, type Wire } from './engine-testing.ts';

/** An NTLM message of this type (MS-NLMP 2.2.1) with a text where the fields would be. */
const message = (type: 1 | 2 | 3, text = ''): string => {
  const head = Buffer.alloc(12);
  head.write('NTLMSSP\0', 'latin1');
  head.writeUInt32LE(type, 8);
  return Buffer.concat([head, Buffer.from(text)]).toString('base64');
};
const textOf = (base64: string): string => Buffer.from(base64, 'base64').subarray(12).toString();

interface Proof {
  readonly number: number;
  scheme?: string;
  person?: string;
}

let server: Server;
let gate: Gate;
const proofs = new Map<Socket, Proof>();
/** How the server answers an unauthenticated request. */
let challenge: (proof: Proof) => string = () => 'NTLM';

beforeEach(async () => {
  proofs.clear();
  challenge = () => 'NTLM';
  let numbers = 0;
  server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const { socket } = request;
    const proof = proofs.get(socket) ?? { number: ++numbers };
    proofs.set(socket, proof);
    request.resume();
    const refuse = (value: string): void => {
      response.writeHead(401, { 'WWW-Authenticate': value, 'Content-Length': 0 }).end();
    };
    const [scheme = '', token = ''] = authorizationOf(request);
    if (/^(?:ntlm|negotiate|credssp)$/i.test(scheme) && token !== '') {
      const type = Buffer.from(token, 'base64').readUInt32LE(8);
      if (type === 1) {
        proof.scheme = scheme;
        return refuse(`${scheme} ${message(2, `challenge ${proof.number}`)}`);
      }
      const [person = '', answer] = textOf(token).split('|');
      // An answer to another connection's challenge proves nothing (MS-NLMP 3.2.5.1.2).
      if (proof.scheme !== scheme || answer !== `challenge ${proof.number}`) return refuse(challenge(proof));
      proof.person = person;
    }
    if (proof.person === undefined) return refuse(challenge(proof));
    const body = `you are ${proof.person};`;
    response.writeHead(200, { 'Content-Length': body.length }).end(body);
  });
  server.on('upgrade', (request, socket) => {
    const person = proofs.get(request.socket)?.person ?? 'nobody';
    socket.end(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${person.length}\r\n\r\n${person}`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  await gate.close();
  assert.deepEqual(gate.errors, []);
  server.closeAllConnections();
  server.close();
});

const authorizationOf = ({ headers }: IncomingMessage): readonly string[] => headers.authorization?.split(' ') ?? [];

async function start(options: Partial<GateOptions> = {}): Promise<void> {
  const { port } = server.address() as AddressInfo;
  gate = await startGate({ upstream: upstreamAt(`http://127.0.0.1:${port}`), ...options });
}

/** One request on a connection, and the whole answer: all of them have a length. */
async function ask(wire: Wire, ...fields: readonly string[]): Promise<string> {
  const from = wire.received.length;
  wire.head('GET /x HTTP/1.1', 'Host: app', ...fields);
  const answer = () => wire.received.slice(from);
  await wire.when(() => {
    const [, head = '', length = '', body = ''] =
      /^([^]*?\r\nContent-Length: (\d+)\r\n[^]*?\r\n\r\n)([^]*)$/.exec(answer()) ?? [];
    return wire.closed || (head !== '' && body.length >= Number(length));
  });
  return answer();
}

/** Both legs of a sign-in. */
async function signIn(wire: Wire, person: string, scheme = 'NTLM'): Promise<string> {
  const first = await ask(wire, `Authorization: ${scheme} ${message(1)}`);
  const [, token = ''] = new RegExp(`WWW-Authenticate: ${scheme} (\\S+)`, 'i').exec(first) ?? [];
  return ask(wire, `Authorization: ${scheme} ${message(3, `${person}|${textOf(token)}`)}`);
}

for (const scheme of ['NTLM', 'Negotiate', 'nTLM'])
  test(`engine carries the legs of ${scheme} on one connection, and what follows them there too`, async () => {
    await start();
    const alice = await gate.connect();
    assert.match(await ask(alice), /^HTTP\/1.1 401 /);
    assert.match(await signIn(alice, 'alice', scheme), /you are alice;/);
    for (let i = 0; i < 3; i++) assert.match(await ask(alice), /you are alice;/);
  });

for (const scheme of ['NTLM', 'CredSSP'])
  test(`engine lets nobody else come by a connection on which somebody has proven who they are by ${scheme}`, async () => {
    await start();
    const alice = await gate.connect();
    assert.match(await signIn(alice, 'alice', scheme), /you are alice;/);
    for (let i = 0; i < 4; i++) assert.match(await ask(await gate.connect()), /^HTTP\/1.1 401 /);
    const bob = await gate.connect();
    assert.match(await signIn(bob, 'bob', scheme), /you are bob;/);
    assert.match(await ask(alice), /you are alice;/);
    assert.match(await ask(bob), /you are bob;/);
  });

test('engine keeps the legs of people apart who sign in at the same time', async () => {
  await start();
  const people = ['alice', 'bob', 'carol', 'dave', 'erin'];
  const wires = await Promise.all(people.map(() => gate.connect()));
  await Promise.all(wires.map(async (wire, i) => signIn(wire, people[i] ?? '')));
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(wires.map((wire) => ask(wire)));
    for (const [i, answer] of answers.entries()) assert.match(answer, new RegExp(`you are ${people[i]};`));
  }
});

test('engine closes the connection on which somebody has proven who they are when that client leaves', async () => {
  await start();
  const alice = await gate.connect();
  await signIn(alice, 'alice');
  const [[upstream] = []] = [...proofs];
  assert.ok(upstream !== undefined);
  assert.deepEqual(gate.engine.upstreamConnections(), { busy: 0, idle: 1 });
  alice.socket.destroy();
  if (!upstream.destroyed) await once(upstream, 'close');
  while (gate.engine.upstreamConnections().idle > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.match(await ask(await gate.connect()), /^HTTP\/1.1 401 /);
});

test('engine closes such a connection after each answer where a client brings requests of several people', async () => {
  await start({ forward: { sharedClient: true } });
  const proxy = await gate.connect();
  assert.match(await signIn(proxy, 'alice'), /^HTTP\/1.1 401 /);
  assert.match(await ask(proxy), /^HTTP\/1.1 401 /);
  assert.ok([...proofs.values()].every(({ person }) => person === undefined));
});

test('engine does not let a client of several people use what was proven before it said so', async () => {
  let shared = false;
  await start({
    decide: (_head, _client, forward) => ({
      ...forward(),
      get sharedClient() {
        return shared;
      },
    }),
  });
  const proxy = await gate.connect();
  assert.match(await signIn(proxy, 'alice'), /you are alice;/);
  shared = true;
  assert.match(await ask(proxy), /^HTTP\/1.1 401 /);
});

test('engine does not keep a connection on which the server has begun a proof that nobody asked for', async () => {
  challenge = ({ number }) => `NTLM ${message(2, `challenge ${number}`)}`;
  await start();
  const wire = await gate.connect();
  const numbers = new Set<string>();
  for (let i = 0; i < 3; i++) numbers.add(textOf(/NTLM (\S+)/.exec(await ask(wire))?.[1] ?? ''));
  assert.equal(numbers.size, 3);
});

test('engine shares connections as before among requests with credentials of other kinds', async () => {
  challenge = () => 'Basic realm="x"';
  await start();
  for (let i = 0; i < 3; i++) await ask(await gate.connect(), 'Authorization: Bearer ntlm');
  assert.equal(proofs.size, 1);
  for (const value of ['Basic Zm9vOmJhcg==', 'NTLMv2 abc', 'Negotiated x'])
    await ask(await gate.connect(), `Authorization: ${value}`);
  assert.equal(proofs.size, 1);
});

test('engine opens upgrades on connections of their own, on which nobody has proven anything', async () => {
  await start();
  const alice = await gate.connect();
  assert.match(await signIn(alice, 'alice'), /you are alice;/);
  alice.head(
    'GET /ws HTTP/1.1',
    'Host: app',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  );
  await alice.until('403 Forbidden', 'nobody');
});

test('engine sends what a client asks for on a new connection when the one it had has gone', async () => {
  await start();
  const alice = await gate.connect();
  await signIn(alice, 'alice');
  for (const socket of proofs.keys()) socket.destroy();
  while (gate.engine.upstreamConnections().idle > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.match(await ask(alice), /^HTTP\/1.1 401 /);
  assert.match(await signIn(alice, 'alice'), /you are alice;/);
});
