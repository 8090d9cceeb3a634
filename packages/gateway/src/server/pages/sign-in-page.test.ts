import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPages, type PageContext } from './layout.ts';
import { manyWays } from './pages-testing.ts';
import { type SignInView, signInPage } from './sign-in-page.ts';

const context: PageContext = { pages: createPages(), fields: [], host: 'desk.corp.example' };
const view: SignInView = {
  offer: manyWays,
  returnTo: '/a?b=1&c',
  problem: undefined,
  negotiateFailed: false,
  notCarriedOut: false,
  name: '',
};
const show = (more: Partial<SignInView> = {}): string => signInPage(context, { ...view, ...more }).text;
/** What can be pressed, in the order of the page. */
const order = (text: string): readonly string[] =>
  [...text.matchAll(/<(?:a|button|summary)[^>]*>([^<]+)</g)].map(([, label = '']) => label);

test('signInPage() shows all ways in configured order, Windows first', () => {
  assert.deepEqual(order(show()), [
    'Sign in with Windows',
    'Sign in with Company account',
    'Sign in with Partner portal',
    'Sign in',
    'Windows sign-in did not work?',
  ]);
});

test('signInPage() keeps the configured order when the form comes first', () => {
  const offer = { ...manyWays, challenges: [], ways: manyWays.ways.toReversed() };
  assert.deepEqual(order(show({ offer })), ['Sign in', 'Sign in with Partner portal', 'Sign in with Company account']);
});

test('signInPage() leads to each way and back to where the person wanted to go', () => {
  const text = show();
  assert.match(text, /href="\/auth\/login\/entra\?return=%2Fa%3Fb%3D1%26c"/);
  assert.match(text, /<input type="hidden" name="return" value="\/a\?b=1&amp;c">/);
  assert.match(text, /<a class="button first" href="\/a\?b=1&amp;c">Sign in with Windows/);
});

test('signInPage() says that Windows did not sign in, and offers to try again beside the other ways', () => {
  const text = show({ negotiateFailed: true });
  assert.match(text, /not signed in automatically\. <a href="\/a\?b=1&amp;c">Try again<\/a>/);
  assert.deepEqual(order(text).slice(0, 2), ['Try again', 'Sign in with Company account']);
});

test('signInPage() says nothing of Windows where it is not on offer', () => {
  const offer = { ...manyWays, challenges: ['Bearer'] };
  assert.doesNotMatch(show({ offer, negotiateFailed: true }), /Windows|automatically/);
});

test('signInPage() shows what helps at once when Windows is the only way', () => {
  const text = show({ offer: { ...manyWays, ways: [] }, negotiateFailed: true });
  assert.match(text, /<details open>/);
  assert.match(text, /<a class="button first" href="[^"]+">Try again/);
});

test('signInPage() puts the cursor into the form when that is the first thing to do', () => {
  const offer = { ...manyWays, challenges: [], ways: manyWays.ways.slice(2) };
  assert.match(show({ offer }), /<input id="name"[^>]* autofocus/);
  assert.doesNotMatch(show(), /autofocus/);
});

test('signInPage() explains a mistake at the fields, and puts the cursor into the password', () => {
  const text = show({ problem: 'wrong-name-or-password', name: 'alice' });
  assert.match(text, /<p class="problem" id="problem" role="alert">The user name or the password is not right\./);
  assert.match(text, /<input id="name"[^>]*aria-describedby="problem"[^>]* value="alice">/);
  assert.match(text, /<input id="password"[^>]* autofocus aria-describedby="problem" aria-invalid="true">/);
  assert.equal(text.split('autofocus').length, 2);
});

test('signInPage() never gives a password back', () => {
  assert.doesNotMatch(show({ problem: 'wrong-name-or-password', name: 'alice' }), /type="password"[^>]*value=/);
});

test('signInPage() says that a form was not carried out', () => {
  assert.match(show({ notCarriedOut: true }), /was not carried out/);
});
