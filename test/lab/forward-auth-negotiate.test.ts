/** Silent Windows sign-in through the proxies that ask Cardea: curl with a real ticket of the domain, page and WebSocket. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { curl, type CurlResponse } from '../../lab/curl.ts';
import { paths } from '../../lab/files.ts';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { kinit } from '../../lab/tokens.ts';
import { oneToken } from './gateway.ts';
import { valuesOf } from './forward-auth-app.ts';
import { reasonToSkipProxies } from './forward-auth-proxies.ts';
import { type Stand, startStand, ways } from './forward-auth-stand.ts';

const skip = reasonToSkip() === false ? reasonToSkipProxies() : reasonToSkip();

for (const way of ways)
  suite(`Negotiate by way of ${way}`, { skip }, () => {
    let stand: Stand;
    let ccache: string;
    before(async () => {
      await startLab();
      ccache = await kinit('alice');
      stand = await startStand(way, { signIn: `  - negotiate: { keytab: ${paths.keytab} }\n` });
    });
    after(() => stand?.close());

    const ask = (path: string, withTicket: boolean, headers: readonly string[] = []): Promise<CurlResponse> =>
      curl({ url: `http://app.corp.example:${stand.port}${path}`, headers, ...(withTicket ? { ccache } : {}) });
    const cookiesOf = ({ headers }: CurlResponse): readonly string[] =>
      (headers.get('set-cookie') ?? []).map((line) => line.split('=', 1)[0] ?? '').sort();

    test('a ticket signs in silently, the session comes back, and the next request needs no ticket', async () => {
      const first = await ask('/desk', true);
      assert.equal(first.status, 200, first.body);
      const { fields } = JSON.parse(first.body);
      assert.deepEqual(valuesOf(fields, 'x-authenticated-user'), ['CORP\\alice']);
      assert.deepEqual(valuesOf(fields, 'authorization'), []);
      assert.deepEqual(cookiesOf(first), ['cardea', 'cardea-csrf']);
      const cookie = (first.headers.get('set-cookie') ?? []).map((line) => line.split(';', 1)[0]).join('; ');
      const second = await stand.send({ target: '/desk', headers: [`Cookie: ${cookie}`] });
      assert.equal(second.status, 200);
      assert.deepEqual(valuesOf(second.arrived?.fields ?? [], 'x-authenticated-user'), ['CORP\\alice']);
    });

    test('without a ticket a program is asked for one', async () => {
      const { status, headers } = await ask('/', false);
      assert.deepEqual([status, headers.get('www-authenticate')], [401, ['Negotiate']]);
    });

    test('without a ticket a browser gets the page with the other ways, and the challenge', async () => {
      const { status, headers, body } = await ask('/a?b=c', false, ['Accept: text/html']);
      assert.deepEqual([status, headers.get('www-authenticate')], [401, ['Negotiate']]);
      assert.match(body, /<form/);
      assert.match(body, /value="\/a\?b=c"|return=%2Fa%3Fb%3Dc/);
    });

    test('a ticket on the handshake opens a WebSocket', async () => {
      const token = (await oneToken()).toString('base64');
      const answer = await stand.send({
        target: '/live',
        headers: [
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
          `Authorization: Negotiate ${token}`,
        ],
      });
      assert.equal(answer.status, 101);
      assert.deepEqual(valuesOf(answer.arrived?.fields ?? [], 'x-authenticated-user'), ['CORP\\alice']);
    });
  });
