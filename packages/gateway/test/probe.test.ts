/**
 * Probes of `cardea doctor`: what a good token does, and that all others do nothing.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { probeField, type ProbeKind, probeToken } from '../src/server/probe.ts';
import { type Echo, nonceParameter, startEcho } from '../src/doctor/echo.ts';
import { openKeys } from '../src/stores/key-file.ts';
import { KeyRing, newMasterKey, type Purpose } from '../src/tokens/key-ring.ts';
import { sealer } from '../src/tokens/seal.ts';
import { send, signIn, signOut, startTestGateway, type TestGateway, until, usersFile } from './harness.ts';
import { openEvents, openWs } from './streams-testing.ts';

suite('probes', () => {
  let gateway: TestGateway;
  let echo: Echo;
  let ring: KeyRing;
  let count = 0;

  before(async () => {
    gateway = await startTestGateway({
      files: { 'users.yaml': await usersFile({ ada: ['team'] }) },
      config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
apps:
  - { name: open, host: open.example, sign_in: none, upstream: "${upstream}" }
  - name: desk
    host: 127.0.0.1
    upstream: "${upstream}"
    streams: { per_person: 1 }
    rules: [{ path: /secret, groups: [nobody] }, { path: /**, signed_in: true }]
`,
    });
    echo = await startEcho();
    ring = new KeyRing(openKeys(`${gateway.folder}/state`, Date.now()));
  });
  after(async () => {
    await echo?.close();
    await gateway?.close();
  });

  interface Sealed {
    readonly keys?: KeyRing;
    readonly purpose?: Purpose;
    readonly at?: number;
  }

  const token = (kind: ProbeKind, { keys = ring, purpose = 'probe', at = Date.now() }: Sealed = {}): string =>
    probeToken(sealer(keys, purpose), { kind, port: echo.port }, at);

  async function probe(text: string, headers: Readonly<Record<string, string>> = {}, path = '/secret') {
    const nonce = `n${count++}`;
    const answer = await send(`${gateway.origin}${path}?${nonceParameter}=${nonce}`, {
      headers: { [probeField]: text, ...headers },
    });
    return { answer, arrived: echo.arrived(nonce) };
  }

  test('one for anybody arrives in the place of the app, wherever policy would have refused, and without its token', async () => {
    const { answer, arrived } = await probe(token('anybody'), {
      'X-Authenticated-User': 'CORP\\admin',
      'X-Other': 'stays',
    });
    assert.equal(answer.body, 'cardea-doctor');
    const names = arrived?.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
    assert.ok(names?.includes('x-other'));
    assert.ok(!names?.includes('x-authenticated-user'));
    assert.ok(!names?.includes(probeField.toLowerCase()));
  });

  test('one for people arrives with a session alone, and with the identity that the app would get', async () => {
    assert.equal((await probe(token('signed-in'))).arrived, undefined);
    const cookie = await signIn(gateway.origin, 'ada');
    const { arrived = [] } = await probe(token('signed-in'), { Cookie: cookie });
    assert.equal(arrived[arrived.indexOf('X-Authenticated-User') + 1], 'CORP\\ada');
    assert.ok(!arrived.some((text) => text.includes(cookie)));
  });

  test('one for an app without sign-in arrives as it was sent', async () => {
    const { answer, arrived = [] } = await probe(token('anybody'), { Host: 'open.example', 'X-Other': 'stays' }, '/x');
    assert.equal(answer.body, 'cardea-doctor');
    assert.equal(arrived[arrived.indexOf('X-Other') + 1], 'stays');
    assert.equal(arrived.filter((name) => name.toLowerCase() === 'host').length, 1);
  });

  test('one for a WebSocket or an event stream ends with the session as it would at the app, and gives its place back', async () => {
    const events = createServer((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: begun\n\n');
    });
    await new Promise<void>((resolve) => events.listen(0, '127.0.0.1', resolve));
    const { port } = events.address() as AddressInfo;
    const toEvents = probeToken(sealer(ring, 'probe'), { kind: 'signed-in', port }, Date.now());
    const again = async (): Promise<void> => {
      const cookie = await signIn(gateway.origin, 'ada');
      const open = await openWs(`${gateway.origin}/x`, { Cookie: cookie, [probeField]: token('signed-in') });
      const headers = { Cookie: cookie, [probeField]: toEvents };
      const tooMany = await openEvents(`${gateway.origin}/x`, headers);
      assert.equal(tooMany.status, 429);
      await signOut(gateway.origin, cookie);
      assert.deepEqual((await open.closing).reason, 'signed-out');
      const next = await signIn(gateway.origin, 'ada');
      let stream = tooMany;
      await until(async () => {
        stream = await openEvents(`${gateway.origin}/x`, { ...headers, Cookie: next });
        return stream.status === 200;
      }, 'a place for the stream');
      await signOut(gateway.origin, next);
      await stream.cut;
    };
    await again();
    await until(() => gateway.audit('stream-closed').length === 1, 'the end of the stream');
    await again();
    events.closeAllConnections();
    events.close();
  });

  test('one in another spelling of the field is taken too', async () => {
    const nonce = `n${count++}`;
    await send(`${gateway.origin}/x?${nonceParameter}=${nonce}`, { headers: { 'x-CARDEA-probe': token('anybody') } });
    assert.ok(echo.arrived(nonce));
  });

  const payload = (value: object): string => sealer(ring, 'probe').seal(Buffer.from(JSON.stringify(value)));

  const bad: readonly (readonly [name: string, make: () => string])[] = [
    ['is garbage', () => 'x'],
    ['is empty', () => ''],
    ['is too old', () => token('anybody', { at: Date.now() - 21_000 })],
    ['is of the future', () => token('anybody', { at: Date.now() + 60_000 })],
    ['is sealed with another key', () => token('anybody', { keys: new KeyRing([newMasterKey(0)]) })],
    ['is sealed for another purpose', () => token('anybody', { purpose: 'session' })],
    ['says nothing that we know', () => sealer(ring, 'probe').seal(Buffer.from('{"kind":"everything","port":1}'))],
    ['names no port', () => payload({ kind: 'anybody', until: Date.now() + 9_000 })],
    [
      'names no port but a host',
      () => payload({ kind: 'anybody', port: `${echo.port}@127.0.0.9:${echo.port}`, until: Date.now() + 9_000 }),
    ],
    ['names a port as text', () => payload({ kind: 'anybody', port: `${echo.port}`, until: Date.now() + 9_000 })],
  ];
  for (const [name, make] of bad)
    test(`one whose token ${name} is an ordinary request`, async () => {
      const { answer, arrived } = await probe(make());
      assert.equal(answer.status, 401);
      assert.equal(arrived, undefined);
    });

  test('a request with a token that is not good is decided as the app has it', async () => {
    const cookie = await signIn(gateway.origin, 'ada');
    const { answer } = await probe('x', { Cookie: cookie }, '/headers');
    assert.equal(answer.status, 200);
    assert.ok(!answer.body.toLowerCase().includes(probeField.toLowerCase()));
  });
});
