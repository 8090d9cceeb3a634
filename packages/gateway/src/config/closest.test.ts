import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closest } from './closest.ts';

const keys = ['listen', 'sign_in', 'session', 'apps', 'roles', 'upstream'];
const cases: readonly (readonly [written: string, meant: string | undefined])[] = [
  ['signin', 'sign_in'],
  ['sign-in', 'sign_in'],
  ['signIn', 'sign_in'],
  ['lisetn', 'listen'],
  ['upsteam', 'upstream'],
  ['sesion', 'session'],
  ['app', 'apps'],
  ['colour', undefined],
  ['', undefined],
];

for (const [written, meant] of cases)
  test(`closest() takes ${JSON.stringify(written)} for ${meant ?? 'nothing known'}`, () => {
    assert.equal(closest(written, keys), meant);
  });

test('closest() has nothing to offer when nothing is known', () => {
  assert.equal(closest('x', []), undefined);
});
