/** Step-up at an OpenID Connect provider: it has to ask the person again, whatever session it has with the browser. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Secret } from '../src/core/secret.ts';
import { oidcDefaults, type OidcHarness, startOidcHarness, TestBrowser } from './oidc-harness.ts';
import { startTestGateway, type TestGateway } from './harness.ts';
import { type HostileProvider, startHostileProvider } from './hostile-provider.ts';
import { startOidcProvider, type TestProvider } from './oidc-provider.ts';

const secret = 'of-the-tests-alone-0123456789abcdef';

suite('signing in again at a provider', () => {
  let gateway: OidcHarness;
  let corp: TestProvider;

  before(async () => {
    gateway = await startOidcHarness();
    corp = await startOidcProvider({ clientId: 'cardea', clientSecret: secret, gateway: gateway.origin, id: 'corp' });
    const authentication = { kind: 'secret', secret: new Secret(secret) } as const;
    gateway.serve([{ ...oidcDefaults, issuer: corp.issuer, clientId: 'cardea', authentication }]);
  });
  after(async () => {
    await gateway.close();
    await corp.close();
  });

  test('without again=1 the provider does not ask, and with it the person has to sign in there once more', async () => {
    const browser = new TestBrowser();
    await browser.throughProvider(await browser.visit(`${gateway.origin}/`), 'alice');
    const start = `${gateway.origin}/auth/login/corp?return=/orders`;
    const silent = await browser.visit(start);
    assert.equal(JSON.parse(silent.body).at, '/orders');
    assert.equal(JSON.parse(silent.body).provenAt, undefined);

    const asked = await browser.visit(`${start}&again=1`);
    assert.ok(asked.way.some((url) => url.includes('max_age=0')));
    assert.match(asked.body, /name="prompt" value="login"/);
    const page = await browser.throughProvider(asked, 'alice');
    assert.equal(JSON.parse(page.body).at, '/orders');
    assert.ok(Math.abs(Date.now() - JSON.parse(page.body).provenAt) < 60_000);
  });
});

suite('max_age, of people who sign in at a provider', () => {
  let provider: HostileProvider;
  let gateway: TestGateway;
  const ago = (seconds: number | undefined): void =>
    provider.behave({
      claims: (right) =>
        seconds === undefined ? right : { ...right, auth_time: Math.floor(Date.now() / 1000) - seconds },
    });

  before(async () => {
    provider = await startHostileProvider();
    gateway = await startTestGateway({
      config: (upstream) => `
sign_in: [{ oidc: { id: corp, name: Corp, issuer: "${provider.issuer}", client_id: x } }]
apps:
  - { name: desk, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /api/whoami, max_age: 5m }, { path: /**, signed_in: true }] }
`,
    });
  });
  after(async () => {
    await gateway.close();
    await provider.close();
  });

  for (const [what, seconds, status] of [
    ['lets in who has proven just now who they are', 10, 200],
    ['does not take the silent sign-in of somebody who has proven it an hour ago', 3_600, 403],
    ['does not take a sign-in of which the provider does not say when it was proven', undefined, 403],
  ] as const)
    test(`max_age ${what}`, async () => {
      ago(seconds);
      const browser = new TestBrowser();
      await browser.visit(`${gateway.origin}/auth/login/corp?return=/other`);
      const page = await browser.visit(`${gateway.origin}/api/whoami`);
      assert.equal(page.status, status);
      // It was asked for a proof, and gave none.
      assert.equal(
        page.way.some((url) => url.includes('max_age=0')),
        status === 403,
      );
      if (status === 403) assert.equal(gateway.audit('sign-in-failed').at(-1)?.['reason'], 'authentication-too-old');
    });
});
