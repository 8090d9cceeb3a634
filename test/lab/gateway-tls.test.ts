import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { curl } from '../../lab/curl.ts';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { kinit, type TokenRequest } from '../../lab/tokens.ts';
import { host, type LabGateway, oneToken, startLabGateway } from './gateway.ts';

suite('signing on over TLS', { skip: reasonToSkip() }, () => {
  let lenient: LabGateway;
  let strict: LabGateway;

  before(async () => {
    await startLab();
    lenient = await startLabGateway({ tls: true });
    strict = await startLabGateway({ tls: true, negotiate: 'channel_bindings: required' });
  });
  after(async () => {
    await lenient?.close();
    await strict?.close();
  });

  const certificateOf = ({ folder }: LabGateway): Buffer =>
    new X509Certificate(readFileSync(join(folder, 'tls.pem'))).raw;
  /** `tls-server-end-point` (RFC 5929, 4): the certificate is signed with SHA-256, so that is the hash. */
  const bindingsOf = (gateway: LabGateway): Buffer =>
    Buffer.concat([Buffer.from('tls-server-end-point:'), createHash('sha256').update(certificateOf(gateway)).digest()]);

  async function present(gateway: LabGateway, wanted: TokenRequest): Promise<IncomingMessage> {
    const headers = gateway.fields(await oneToken(wanted));
    const ca = readFileSync(join(gateway.folder, 'tls.pem'));
    const sent = request(`${gateway.origin}/api/whoami`, { headers, ca, servername: host, agent: false });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    sent.on('response', resolve).on('error', reject).end();
    const response = await promise;
    response.resume();
    return response;
  }

  test('curl signs on over TLS and gets a cookie that is pinned to this host', async () => {
    const ccache = await kinit('alice');
    const { status, headers, body } = await curl({
      url: lenient.url('/api/whoami'),
      ccache,
      args: ['--cacert', join(lenient.folder, 'tls.pem')],
    });
    assert.equal(status, 200);
    assert.equal(JSON.parse(body).user, 'CORP\\alice');
    assert.match(
      headers.get('set-cookie')?.[0] ?? '',
      /^__Host-cardea=[\w-]+; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    );
  });

  test('a token that is bound to this certificate signs on', async () => {
    assert.equal((await present(lenient, { channelBindings: bindingsOf(lenient) })).statusCode, 200);
  });

  test('a token that is bound to another certificate is refused: somebody relays it', async () => {
    assert.equal((await present(lenient, { channelBindings: bindingsOf(strict) })).statusCode, 401);
    assert.equal(lenient.audit('sign-in-failed').at(-1)?.['reason'], 'channel-bindings');
  });

  test('a token without bindings signs on unless they are required', async () => {
    assert.equal((await present(lenient, {})).statusCode, 200);
    assert.equal((await present(strict, {})).statusCode, 401);
    assert.equal(strict.audit('sign-in-failed').at(-1)?.['reason'], 'channel-bindings');
  });

  test('a token that is bound to this certificate signs on where bindings are required', async () => {
    assert.equal((await present(strict, { channelBindings: bindingsOf(strict) })).statusCode, 200);
  });
});
