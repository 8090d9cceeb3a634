/** Step-up at an OpenID Connect provider: it has to ask the person again, whatever session it has with the browser. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Secret } from '../src/core/secret.ts';
import { oidcDefaults, type OidcHarness, startOidcHarness, TestBrowser } from './oidc-harness.ts';
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

    const asked = await browser.visit(`${start}&again=1`);
    assert.ok(asked.way.some((url) => url.includes('max_age=0')));
    assert.match(asked.body, /name="prompt" value="login"/);
    const page = await browser.throughProvider(asked, 'alice');
    assert.equal(JSON.parse(page.body).at, '/orders');
  });
});
