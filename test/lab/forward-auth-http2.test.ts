/** Clients that speak HTTP/2 to an Envoy that asks Cardea by gRPC: pseudo fields, cookies in pieces, WebSockets by CONNECT. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { after, before, suite, test } from 'node:test';
import { type Arrived, valuesOf } from './forward-auth-app.ts';
import { reasonToSkipProxies } from './forward-auth-proxies.ts';
import { type Stand, startStand } from './forward-auth-stand.ts';

interface Answer {
  readonly status: number;
  readonly arrived: Arrived | undefined;
  readonly location: string | undefined;
}

suite('HTTP/2 to an Envoy that asks by gRPC', { skip: reasonToSkipProxies() }, () => {
  let stand: Stand;
  let session: ClientHttp2Session;
  before(async () => {
    stand = await startStand('envoy-grpc', {
      proxyFiles: (text) =>
        text.replace(
          'codec_type: HTTP1',
          'codec_type: AUTO\n                http2_protocol_options: { allow_connect: true }',
        ),
    });
    session = connect(`http://127.0.0.1:${stand.port}`);
  });
  after(async () => {
    session?.destroy();
    await stand?.close();
  });

  async function ask(path: string, fields: OutgoingHttpHeaders = {}): Promise<Answer> {
    const request = session.request({ ':path': path, ':authority': 'app.corp.example', ...fields });
    const [head] = await once(request, 'response');
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    if (fields[':method'] !== 'CONNECT') {
      request.end();
      await once(request, 'end');
    }
    request.close();
    const arrived: Arrived | undefined = body.startsWith('{"method":') ? JSON.parse(body) : undefined;
    return { status: head[':status'], arrived, location: head.location };
  }
  const user = ({ arrived }: Answer): readonly string[] => valuesOf(arrived?.fields ?? [], 'x-authenticated-user');

  test('a cookie in pieces signs in, and the app gets one without them', async () => {
    const answer = await ask('/reports/?a=%41', { cookie: ['theme=dark', stand.cookie('alice'), 'lang=en'] });
    assert.deepEqual([answer.status, user(answer)], [200, ['CORP\\alice']]);
    assert.deepEqual(valuesOf(answer.arrived?.fields ?? [], 'cookie'), ['theme=dark; lang=en']);
    assert.equal(answer.arrived?.target, '/reports/?a=%41');
  });

  test('two sessions in pieces of a cookie are nobody', async () => {
    assert.equal((await ask('/', { cookie: [stand.cookie('alice'), stand.cookie('bob')] })).status, 401);
  });

  test('a browser is sent to sign in, a program is not', async () => {
    const page = await ask('/a', { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' });
    assert.deepEqual([page.status, page.location], [303, '/auth/login?return=%2Fa']);
    assert.equal((await ask('/a')).status, 401);
  });

  test('another Host beside the authority changes nothing, or is refused', async () => {
    const answer = await ask('/reports/', { host: 'other.corp.example', cookie: stand.cookie('bob') });
    assert.ok([400, 403].includes(answer.status), String(answer.status));
    const allowed = await ask('/reports/', { host: 'other.corp.example', cookie: stand.cookie('alice') });
    if (allowed.status === 200) assert.deepEqual(valuesOf(allowed.arrived?.fields ?? [], 'host'), ['app.corp.example']);
  });

  test('odd paths are refused as in HTTP/1.1', async () => {
    for (const path of ['//reports/', '/x/../reports/', '/x/..;/reports/', '/reports%2f', '/./reports/'])
      assert.equal((await ask(path, { cookie: stand.cookie('bob') })).status, 400, path);
  });

  test('forged fields do not arrive', async () => {
    const answer = await ask('/', {
      cookie: stand.cookie('alice'),
      'x-authenticated-user': 'CORP\\admin',
      'x.authenticated.user': 'CORP\\admin',
      'x-authenticated-roles': 'admin',
    });
    assert.deepEqual([answer.status, user(answer)], [200, ['CORP\\alice']]);
    assert.ok(!JSON.stringify(answer.arrived).includes('admin'));
  });

  test('a WebSocket by CONNECT (RFC 8441) is judged as a WebSocket without a key, and refused', async () => {
    const handshake = {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'http',
      'sec-websocket-version': '13',
    };
    if (session.remoteSettings.enableConnectProtocol !== true) await once(session, 'remoteSettings');
    const nobody = await ask('/live', handshake);
    const foreign = await ask('/live', { ...handshake, cookie: stand.cookie('alice'), origin: 'https://evil.example' });
    const own = await ask('/live', { ...handshake, cookie: stand.cookie('alice'), origin: 'http://app.corp.example' });
    // Envoy has no key for it, which an app with HTTP/1.1 would ask for: nobody gets one.
    assert.deepEqual([nobody.status, foreign.status, own.status], [400, 400, 400]);
  });
});
