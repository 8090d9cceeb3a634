import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantsPage } from './accepts.ts';

const html = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const cases = [
  ['a navigation of a tab', 'GET', ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document', 'Accept', html], true],
  ['a navigation of a frame', 'GET', ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'iframe'], true],
  ['a navigation that does not name its destination', 'GET', ['Sec-Fetch-Mode', 'navigate'], true],
  ['a HEAD of a page', 'HEAD', ['Accept', html], true],
  ['an older browser', 'GET', ['Accept', html], true],
  ['an object in a page', 'GET', ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'object'], false],
  ['a fetch that takes HTML', 'GET', ['Sec-Fetch-Mode', 'cors', 'Sec-Fetch-Dest', 'empty', 'Accept', html], false],
  ['an event stream', 'GET', ['Sec-Fetch-Mode', 'cors', 'Accept', 'text/event-stream'], false],
  ['two modes', 'GET', ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Mode', 'navigate'], false],
  ['curl', 'GET', ['Accept', '*/*'], false],
  ['a request without Accept', 'GET', [], false],
  ['an API call', 'GET', ['Accept', 'application/json'], false],
  ['a refusal of HTML', 'GET', ['Accept', 'application/json, text/html;q=0'], false],
  ['another type that looks alike', 'GET', ['Accept', 'text/html-sandboxed'], false],
  ['XMLHttpRequest', 'GET', ['Accept', html, 'X-Requested-With', 'XMLHttpRequest'], false],
  ['a form', 'POST', ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document', 'Accept', html], true],
  ['a form of an older browser', 'POST', ['Accept', html], true],
  ['a fetch that posts', 'POST', ['Sec-Fetch-Mode', 'cors', 'Sec-Fetch-Dest', 'empty', 'Accept', '*/*'], false],
  ['a program that posts', 'POST', ['Accept', '*/*'], false],
  ['a method that no page has', 'PUT', ['Sec-Fetch-Mode', 'navigate', 'Accept', html], false],
] as const;

for (const [what, method, fields, expected] of cases) {
  test(`wantsPage() takes ${what} for a ${expected ? 'person' : 'program'}`, () => {
    assert.equal(wantsPage({ method, fields, upgrade: false }), expected);
  });
}

test('wantsPage() takes an upgrade for a program', () => {
  assert.equal(wantsPage({ method: 'GET', fields: ['Accept', html], upgrade: true }), false);
});
