import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { canonicalOrigin, checkOrigin } from './origin.ts';

const own = 'https://desk.corp.example';
const allowed = ['https://Portal.corp.example:443', 'chrome-extension://abcdefgh'];
const ask = (method: string, fields: readonly string[], upgrade = false) => {
  const check = checkOrigin({ fields, method, upgrade, ownOrigin: own, allowed });
  return check.kind === 'ok' ? 'ok' : check.reason;
};

const origins = [
  [own, 'ok'],
  ['HTTPS://DESK.corp.example', 'ok'],
  ['https://desk.corp.example:443', 'ok'],
  ['https://portal.corp.example', 'ok'],
  ['chrome-extension://abcdefgh', 'ok'],
  ['http://desk.corp.example', 'origin-not-allowed'],
  ['https://desk.corp.example:8443', 'origin-not-allowed'],
  ['https://evil.example', 'origin-not-allowed'],
  ['https://desk.corp', 'origin-not-allowed'],
  ['https://portal.corp.example:80', 'origin-not-allowed'],
  ['https://desk.corp.example.evil.example', 'origin-not-allowed'],
  ['https://evildesk.corp.example', 'origin-not-allowed'],
  ['chrome-extension://other', 'origin-not-allowed'],
  ['null', 'origin-opaque'],
  ['', 'origin-malformed'],
  ['desk.corp.example', 'origin-malformed'],
  ['https://desk.corp.example/', 'origin-malformed'],
  ['https://desk.corp.example, https://evil.example', 'origin-malformed'],
  ['https://desk.corp.example@evil.example', 'origin-malformed'],
  ['https://desk.corp.example\\.evil.example', 'origin-malformed'],
] as const;

for (const [origin, expected] of origins) {
  test(`checkOrigin() says ${expected} to a POST from "${origin}"`, () =>
    assert.equal(ask('POST', ['Origin', origin]), expected));
  test(`checkOrigin() says ${expected} to an upgrade from "${origin}"`, () => {
    assert.equal(ask('GET', ['origin', origin], true), expected);
  });
}

test('checkOrigin() refuses several origins, even of our own', () => {
  assert.equal(ask('POST', ['Origin', own, 'Origin', own]), 'origin-repeated');
});

for (const method of ['GET', 'HEAD', 'OPTIONS']) {
  test(`checkOrigin() lets ${method} pass from anywhere`, () => {
    assert.equal(ask(method, ['Origin', 'https://evil.example', 'Sec-Fetch-Site', 'cross-site']), 'ok');
  });
}

for (const method of ['PUT', 'PATCH', 'DELETE', 'PROPFIND', 'get']) {
  test(`checkOrigin() guards ${method}`, () => assert.equal(ask(method, ['Origin', 'null']), 'origin-opaque'));
}

const sites = [
  ['same-origin', 'ok'],
  ['none', 'ok'],
  ['same-site', 'fetch-site-not-same-origin'],
  ['cross-site', 'fetch-site-not-same-origin'],
  ['something-new', 'fetch-site-not-same-origin'],
] as const;
for (const [site, expected] of sites) {
  test(`checkOrigin() says ${expected} to Sec-Fetch-Site: ${site} without an origin`, () => {
    assert.equal(ask('POST', ['Sec-Fetch-Site', site]), expected);
    assert.equal(ask('GET', ['Sec-Fetch-Site', site], true), expected);
  });
}

test('checkOrigin() refuses two Sec-Fetch-Site fields', () => {
  assert.equal(ask('POST', ['Sec-Fetch-Site', 'none', 'Sec-Fetch-Site', 'none']), 'fetch-site-not-same-origin');
});

test('checkOrigin() lets programs pass, which send neither field', () => {
  assert.equal(ask('POST', []), 'ok');
  assert.equal(ask('GET', [], true), 'ok');
});

test('canonicalOrigin() agrees with the URL standard on web origins', () => {
  const host = fc.oneof(
    fc.constantFrom('a', 'A.b', 'a.b.', '[::1]', '[::0:1]', '127.0.0.1'),
    fc
      .array(fc.constantFrom('a', 'B', '.', ':', '[::1]', '@', '/', '\\', '?', '#', '%'), { maxLength: 4 })
      .map((pieces) => pieces.join('')),
  );
  const port = fc.constantFrom('', ':', ':80', ':443', ':8443', ':0', ':x');
  fc.assert(
    fc.property(fc.constantFrom('http', 'https', 'HTTPS'), host, port, (scheme, hostText, portText) => {
      const text = `${scheme}://${hostText}${portText}`;
      const origin = canonicalOrigin(text);
      // A trailing dot is one more spelling of the same host to us, and another host to the URL standard.
      if (origin !== undefined) assert.equal(origin, new URL(text).origin.replace(/\.(?=:[0-9]|$)/, ''));
    }),
    { numRuns: 2000 },
  );
});
