import assert from 'node:assert/strict';
import { test } from 'node:test';
import { html } from './html.ts';

test('html() escapes values so that they stay text in contents and in attributes', () => {
  assert.equal(
    html`<p title="${`"><b onload='x'>&`}">`.text,
    '<p title="&quot;&gt;&lt;b onload=&#39;x&#39;&gt;&amp;">',
  );
});

test('html() keeps what is HTML already, one or several', () => {
  assert.equal(html`<ul>${[html`<li>${'<'}</li>`, html`<li>2</li>`]}</ul>`.text, '<ul><li>&lt;</li><li>2</li></ul>');
});

test('html() leaves out what is not there', () => {
  assert.equal(html`a${undefined}${false}b`.text, 'ab');
});
