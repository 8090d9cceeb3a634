import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, suite, test } from 'node:test';
import { paths } from '../../lab/files.ts';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { startInitiator, type TokenRequest } from '../../lab/tokens.ts';
import {
  type Acceptor,
  createAcceptor,
  type Keytab,
  MemoryReplayCache,
  parseKeytab,
} from '../../packages/kerberos/src/index.ts';

suite('what a real MIT client makes of our replies', { skip: reasonToSkip() }, () => {
  let keytab: Keytab;

  before(async () => {
    await startLab();
    keytab = parseKeytab(readFileSync(paths.keytab));
  });

  const newAcceptor = (): Acceptor =>
    createAcceptor({ keytab, replayCache: new MemoryReplayCache({ now: Date.now }), dangerouslyAllowRc4: true });

  const good: readonly (readonly [name: string, request: TokenRequest])[] = [
    ['AES256', { flags: ['mutual'] }],
    ['AES128', { flags: ['mutual'], host: 'aes128.corp.example' }],
    ['RC4', { flags: ['mutual'], host: 'rc4.corp.example' }],
    ['an RC4 session key', { flags: ['mutual'], host: 'mixed.corp.example', krb5Conf: paths.krb5ConfRc4 }],
    ['delegated credentials', { flags: ['mutual', 'delegate'] }],
    ['raw Kerberos', { flags: ['mutual'], mechanism: 'krb5' }],
    ['channel bindings', { flags: ['mutual'], channelBindings: Buffer.from('tls-server-end-point:x') }],
    ['no mutual authentication', {}],
  ];

  for (const [name, request] of good)
    test(`accept() gives a reply that completes the client's side: ${name}`, async () => {
      const initiator = await startInitiator(request);
      const result = await newAcceptor().accept(initiator.token, { now: Date.now() });
      assert.equal(result.kind, 'accepted');
      assert.ok(result.reply);
      assert.equal(await initiator.finish(result.reply), 'established');
    });

  test('accept() gives a reply that the client checks: one altered bit and the client refuses us', async () => {
    const initiator = await startInitiator({ flags: ['mutual'] });
    const result = await newAcceptor().accept(initiator.token, { now: Date.now() });
    const reply = Buffer.from(result.reply ?? []);
    reply[reply.length - 1] = (reply.at(-1) ?? 0) ^ 1;
    assert.match(await initiator.finish(reply), /^failed: /);
  });

  test('accept() tells a client with a wrong clock that it is wrong', async () => {
    const initiator = await startInitiator({ flags: ['mutual'], skewSeconds: 600 });
    const result = await newAcceptor().accept(initiator.token, { now: Date.now() });
    assert.equal(result.kind, 'failed');
    assert.ok(result.reply);
    assert.match(await initiator.finish(result.reply), /Clock skew too great/);
  });

  test('accept() tells a client that its token was used before', async () => {
    const initiator = await startInitiator({ flags: ['mutual'] });
    const acceptor = newAcceptor();
    await acceptor.accept(initiator.token, { now: Date.now() });
    const result = await acceptor.accept(initiator.token, { now: Date.now() });
    assert.equal(result.kind, 'failed');
    assert.ok(result.reply);
    assert.match(await initiator.finish(result.reply), /Request is a replay/);
  });
});
