import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { startInitiator } from '../../lab/tokens.ts';
import { openSocket, send, type TestResponse } from '../../packages/gateway/test/harness.ts';
import { type LabGateway, newFolder, oneToken, startLabGateway } from './gateway.ts';

suite('real tokens over HTTP', { skip: reasonToSkip() }, () => {
  let gateway: LabGateway;
  const folder = newFolder();

  before(async () => {
    await startLab();
    gateway = await startLabGateway({ folder });
  });
  after(async () => {
    await gateway?.close();
    rmSync(folder, { recursive: true });
  });

  const present = (token: Uint8Array, agent?: Agent): Promise<TestResponse> =>
    send(`${gateway.origin}/api/whoami`, { headers: gateway.fields(token), ...(agent === undefined ? {} : { agent }) });
  const replyOf = (response: TestResponse): Buffer =>
    Buffer.from(/^Negotiate (\S+)$/.exec(response.headers['www-authenticate'] ?? '')?.[1] ?? '', 'base64');

  test('a client that asks for mutual authentication gets a reply that MIT Kerberos believes', async () => {
    const initiator = await startInitiator({ flags: ['mutual'] });
    const response = await present(initiator.token);
    assert.equal(response.status, 200);
    assert.equal(await initiator.finish(replyOf(response)), 'established');
  });

  test('a WebSocket upgrade signs on by itself: the identity is on the upgrade, the cookie on the 101', async () => {
    const handshake = await openSocket(`${gateway.origin}/ws`, gateway.fields(await oneToken()), ['sample.v1']);
    assert.equal(handshake.kind, 'open');
    if (handshake.kind !== 'open') return;
    const { visitor, fields } = JSON.parse(await handshake.first);
    assert.equal(visitor.user, 'CORP\\alice');
    assert.ok(visitor.groups.includes('dep1'));
    assert.ok(!fields.some(([name]: [string]) => name.toLowerCase() === 'authorization'));
    assert.equal(handshake.socket.protocol, 'sample.v1');
    handshake.socket.terminate();

    const cookie = handshake.cookies[0]?.split(';')[0] ?? '';
    const response = await send(`${gateway.origin}/api/whoami`, { headers: { ...gateway.fields(), Cookie: cookie } });
    assert.equal(JSON.parse(response.body).user, 'CORP\\alice');
  });

  test('a WebSocket upgrade without a credential is asked for Negotiate, with 401', async () => {
    const handshake = await openSocket(`${gateway.origin}/ws`, gateway.fields());
    assert.equal(handshake.kind, 'refused');
    if (handshake.kind !== 'refused') return;
    assert.equal(handshake.status, 401);
    assert.equal(handshake.headers['www-authenticate'], 'Negotiate');
  });

  test('a WebSocket upgrade with a token that another site has caused is refused before the token is looked at', async () => {
    const token = await oneToken();
    const attempt = await openSocket(`${gateway.origin}/ws`, {
      ...gateway.fields(token),
      Origin: 'https://evil.example',
    });
    assert.equal(attempt.kind === 'refused' && attempt.status, 403);
    assert.equal((await present(token)).status, 200);
  });

  test('one token over 50 connections at once signs on exactly once', async () => {
    const token = await oneToken();
    const signIns = gateway.audit('sign-in').length;
    const agents = Array.from({ length: 50 }, () => new Agent({ keepAlive: true }));
    // Every connection is open before the token is sent on any.
    await Promise.all(
      agents.map((agent) => send(`${gateway.origin}/api/whoami`, { headers: gateway.fields(), agent })),
    );
    const responses = await Promise.all(agents.map((agent) => present(token, agent)));
    for (const agent of agents) agent.destroy();
    assert.deepEqual(
      [200, 401].map((code) => responses.filter(({ status }) => status === code).length),
      [1, 49],
    );
    assert.equal(responses.filter(({ headers }) => headers['set-cookie'] !== undefined).length, 1);
    assert.equal(gateway.audit('sign-in').length, signIns + 1);
    const refused = gateway.audit('sign-in-failed').slice(-49);
    assert.ok(refused.length === 49 && refused.every((event) => event['reason'] === 'replay'));
  });

  test('a token over 50 upgrades at once opens exactly one WebSocket', async () => {
    const token = await oneToken();
    const attempts = await Promise.all(
      Array.from({ length: 50 }, () => openSocket(`${gateway.origin}/ws`, gateway.fields(token))),
    );
    assert.equal(attempts.filter(({ kind }) => kind === 'open').length, 1);
    for (const attempt of attempts) if (attempt.kind === 'open') attempt.socket.terminate();
  });

  test('a token that was used is refused after a restart of the gateway as well, and the session goes on', async () => {
    const token = await oneToken();
    const cookie = (await present(token)).headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    await gateway.close();
    gateway = await startLabGateway({ folder });
    assert.equal((await present(token)).status, 401);
    assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'replay');
    const response = await send(`${gateway.origin}/api/whoami`, { headers: { ...gateway.fields(), Cookie: cookie } });
    assert.equal(JSON.parse(response.body).user, 'CORP\\alice');
  });

  test('a client whose clock is ten minutes off is told so by a KRB-ERROR that MIT Kerberos understands', async () => {
    const initiator = await startInitiator({ flags: ['mutual'], skewSeconds: 600 });
    const response = await present(initiator.token);
    assert.equal(response.status, 401);
    assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'clock-skew');
    assert.match(await initiator.finish(replyOf(response)), /Clock skew too great/);
  });

  test('a refusal carries a bare challenge: with a token in it, Chromium shows a network error', async () => {
    const token = await oneToken({ flags: ['mutual'] });
    await present(token);
    for (const refused of [token, await oneToken({ host: 'rc4.corp.example' })]) {
      const response = await present(refused);
      assert.equal(response.status, 401);
      assert.equal(response.headers['www-authenticate'], 'Negotiate');
    }
  });

  test('one altered bit, anywhere in the sealed parts, and the token is refused', async () => {
    const token = await oneToken();
    for (const fraction of [0.3, 0.5, 0.7, 0.9]) {
      const altered = Buffer.from(token);
      const at = Math.floor(token.length * fraction);
      altered[at] = (altered[at] ?? 0) ^ 1;
      assert.equal((await present(altered)).status, 401, `byte ${at}`);
    }
    assert.equal((await present(token)).status, 200);
  });

  for (const [what, value] of [
    ['text that is not base64', 'Negotiate ***'],
    ['no token', 'Negotiate'],
    ['base64 of nothing that is a token', `Negotiate ${Buffer.from('hello').toString('base64')}`],
  ] as const)
    test(`${what} after Negotiate is refused as a malformed token`, async () => {
      const response = await send(`${gateway.origin}/api/whoami`, {
        headers: { ...gateway.fields(), Authorization: value },
      });
      assert.equal(response.status, 401);
      assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'token-malformed');
    });

  test('an NTLM token is refused with a reason of its own, and the answer offers nothing that would prompt', async () => {
    const ntlm = Buffer.from('4e544c4d5353500001000000978208e2000000000000000000000000000000000a00614a0000000f', 'hex');
    const response = await present(ntlm);
    assert.equal(response.status, 401);
    assert.match(response.headers['www-authenticate'] ?? '', /^Negotiate( |$)/);
    assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'ntlm-offered');
  });

  test('no token, cookie or key is in anything that was written down', async () => {
    const token = await oneToken();
    const response = await present(token);
    const cookie = response.headers['set-cookie']?.[0]?.split(/[=;]/)[1] ?? 'no cookie';
    const written = gateway.written();
    assert.ok(written.includes('"kind":"sign-in"'));
    for (const secret of [token.toString('base64').slice(0, 60), cookie]) assert.ok(!written.includes(secret));
  });
});
