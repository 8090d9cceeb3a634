import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { foldFieldName, identityFieldNames, identityFieldStripper, overrideFieldNames } from './field-names.ts';

test('foldFieldName() gives every spelling that a server may fold the same key', () => {
  for (const name of ['X-Remote-User', 'x_remote_user', 'X.Remote.User', 'X-REMOTE_user', 'x!remote~user']) {
    assert.equal(foldFieldName(name), 'x-remote-user');
  }
});

const strip = identityFieldStripper([...identityFieldNames, 'X-Desk-User']);

const forged = [
  'X-Authenticated-User',
  'x_authenticated_user',
  'X.Authenticated.Groups',
  'X-Authenticated_Anything-New',
  'X-Cardea-Assertion',
  'X_CARDEA.ASSERTION',
  'X-Desk-User',
  'x_desk.user',
  'Remote_User',
  'X-Forwarded-User',
  'X-Auth-Request-Email',
  'MS-ASPNETCORE-WINAUTHTOKEN',
  'X-MS-CLIENT-PRINCIPAL',
  'X-MS-CLIENT-PRINCIPAL-NAME',
  'X-Client-Cert',
  'X-IIS-WindowsAuthToken',
  'Tailscale-User-Login',
];

for (const name of forged) {
  test(`identityFieldStripper() removes ${name}`, () => {
    assert.deepEqual(strip(['Host', 'h', name, 'CORP\\admin', 'Accept', '*/*']), {
      fields: ['Host', 'h', 'Accept', '*/*'],
      removed: [name],
    });
  });
}

test('identityFieldStripper() removes every duplicate', () => {
  const { fields, removed } = strip(['X-Desk-User', 'a', 'A', '1', 'x_desk_user', 'b', 'X-Desk-User', 'c']);
  assert.deepEqual(fields, ['A', '1']);
  assert.deepEqual(removed, ['X-Desk-User', 'x_desk_user', 'X-Desk-User']);
});

test('identityFieldStripper() leaves other fields with their order, spelling and duplicates', () => {
  const fields = [
    'hOsT',
    'h',
    'X-Desk-Users',
    '1',
    'X_Thing',
    '2',
    'X_Thing',
    '3',
    'X-Authenticate',
    '4',
    'Remote-Users',
    '5',
  ];
  assert.deepEqual(strip(fields), { fields, removed: [] });
});

test('identityFieldStripper() removes the names by which a client could replace what was judged', () => {
  const stripOverrides = identityFieldStripper(overrideFieldNames);
  const { fields } = stripOverrides([
    'X-Original-URL',
    '/admin',
    'X_HTTP_Method.Override',
    'DELETE',
    'X-Rewrite-Url',
    '/',
  ]);
  assert.deepEqual(fields, []);
});

const spelling = (name: string) =>
  fc
    .array(fc.constantFrom('lower', 'upper', 'other'), { minLength: name.length, maxLength: name.length })
    .chain((choices) =>
      fc.constantFrom('_', '.', '-', '!', '~').map((separator) =>
        name
          .split('')
          .map((letter, i) =>
            letter === '-'
              ? choices[i] === 'other'
                ? separator
                : '-'
              : choices[i] === 'upper'
                ? letter.toUpperCase()
                : letter,
          )
          .join(''),
      ),
    );

test('identityFieldStripper() lets no spelling of a protected name through, wherever it stands', () => {
  const protectedName = fc
    .constantFrom('x-authenticated-user', 'x-cardea-assertion', 'x-desk-user', 'remote-user')
    .chain(spelling);
  const other = fc.constantFrom('Host', 'Accept', 'X-Other', 'Cookie');
  fc.assert(
    fc.property(fc.array(fc.oneof(protectedName, other), { maxLength: 12 }), (names) => {
      const kept = strip(names.flatMap((name) => [name, 'v'])).fields.filter((_, i) => i % 2 === 0);
      assert.deepEqual(
        kept,
        names.filter((name) => ['Host', 'Accept', 'X-Other', 'Cookie'].includes(name)),
      );
    }),
    { numRuns: 500 },
  );
});
