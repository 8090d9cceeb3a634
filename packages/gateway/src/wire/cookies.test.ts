import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { readCookie, setCookie, withoutCookies, withoutSetCookies } from './cookies.ts';

const name = '__Host-cardea';
const read = (...headers: string[]) =>
  readCookie(
    headers.flatMap((value) => ['cookie', value]),
    name,
  );

const readings = [
  ['finds the cookie among others', ['a=1; __Host-cardea=abc; b=2'], { kind: 'one', value: 'abc' }],
  ['keeps equals signs in the value', ['__Host-cardea=a=b=='], { kind: 'one', value: 'a=b==' }],
  ['reads an empty value', ['__Host-cardea='], { kind: 'one', value: '' }],
  ['does without the space between cookies', ['a=1;__Host-cardea=abc'], { kind: 'one', value: 'abc' }],
  ['sees none where there is none', ['a=1; b=2'], { kind: 'none' }],
  ['sees none without the field', [], { kind: 'none' }],
  ['does not take a longer name for it', ['__Host-cardea2=x; x__Host-cardea=y'], { kind: 'none' }],
  ['does not take a name behind white space of other kinds for it', ['\u00a0__Host-cardea=x'], { kind: 'none' }],
  ['does not take another case for it', ['__host-Cardea=x'], { kind: 'none' }],
  ['does not take a name without a value for it', ['__Host-cardea'], { kind: 'none' }],
  ['does not look into the value of another cookie', ['a="x, __Host-cardea=y"'], { kind: 'none' }],
  ['believes neither of two', ['__Host-cardea=a; __Host-cardea=b'], { kind: 'ambiguous' }],
  ['believes neither of two that are equal', ['__Host-cardea=a; __Host-cardea=a'], { kind: 'ambiguous' }],
  ['believes neither of two in two fields', ['__Host-cardea=a', '__Host-cardea=b'], { kind: 'ambiguous' }],
  ['believes neither of two, one with blanks', ['__Host-cardea=a;\t__Host-cardea =b'], { kind: 'ambiguous' }],
  ['refuses a quoted value', ['__Host-cardea="a"'], { kind: 'ambiguous' }],
  ['refuses a value with a blank', ['__Host-cardea=a b'], { kind: 'ambiguous' }],
  ['refuses a value with a comma', ['__Host-cardea=a,b'], { kind: 'ambiguous' }],
  ['refuses a value with bytes above 0x7f', ['__Host-cardea=\u00e4'], { kind: 'ambiguous' }],
] as const;

for (const [what, headers, expected] of readings) {
  test(`readCookie() ${what}`, () => assert.deepEqual(read(...headers), expected));
}

const removals = [
  ['from the middle', 'a=1; __Host-cardea=x; b=2', 'a=1; b=2'],
  ['from the front', '__Host-cardea=x; b=2', 'b=2'],
  ['from the end', 'a=1;  b="2"; __Host-cardea=x', 'a=1;  b="2"'],
  ['however often', '__Host-cardea=x; a=1; __Host-cardea =y', 'a=1'],
  ['from inside the quotes of another', 'a="; __Host-cardea=x; b="', 'a="; b="'],
] as const;

for (const [where, before, after] of removals) {
  test(`withoutCookies() removes a cookie ${where}`, () => {
    assert.deepEqual(
      withoutCookies(['A', '1', 'cOOkie', before], (one) => one === name),
      ['A', '1', 'cOOkie', after],
    );
  });
}

test('withoutCookies() leaves out a field that is empty then', () => {
  assert.deepEqual(
    withoutCookies(['Cookie', ' __Host-cardea=x; ', 'A', '1'], (one) => one === name),
    ['A', '1'],
  );
});

test('withoutCookies() leaves what is no cookie of ours alone', () => {
  const fields = ['Cookie', 'x; =y; __Host-cardea; a=1'];
  assert.deepEqual(
    withoutCookies(fields, (one) => one === name),
    fields,
  );
});

const whole = { name, value: 'abc', secure: true, httpOnly: true, sameSite: 'lax' } as const;

test('setCookie() writes all attributes', () => {
  assert.equal(
    setCookie({ ...whole, maxAge: 60 }),
    '__Host-cardea=abc; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax',
  );
});

test('setCookie() leaves out what is not asked for', () => {
  const cookie = {
    name: 'cardea',
    value: '',
    secure: false,
    httpOnly: false,
    sameSite: 'strict',
    path: '/auth',
  } as const;
  assert.equal(setCookie(cookie), 'cardea=; Path=/auth; SameSite=Strict');
});

const mistakes = [
  ['a name that is no token', { name: 'a b' }],
  ['a value with a semicolon', { value: 'a; Domain=evil.example' }],
  ['a value with a line break', { value: 'a\r\nX: y' }],
  ['a path with a semicolon', { name: 'a', path: '/;x' }],
  ['an age that is no whole number', { maxAge: 1.5 }],
  ['the prefix without Secure', { secure: false }],
  ['the prefix with a path', { path: '/auth' }],
  ['SameSite=None without Secure', { name: 'a', secure: false, sameSite: 'none' }],
] as const;

for (const [what, change] of mistakes) {
  test(`setCookie() throws for ${what}`, () => assert.throws(() => setCookie({ ...whole, ...change }), TypeError));
}

test('setCookie() says nothing of the value when it throws', () => {
  assert.throws(
    () => setCookie({ ...whole, value: 's3cret;' }),
    (error) => error instanceof TypeError && !error.message.includes('s3cret'),
  );
});

const octets = fc.string({ unit: fc.constantFrom(...'aZ09!#$%&()*+-./:<=>?@[]^_`{|}~'.split('')), maxLength: 20 });
const otherCookie = fc
  .tuple(fc.constantFrom('a', 'b', '__Host-x', 'cardea'), octets)
  .map(([key, value]) => `${key}=${value}`);

test('readCookie() reads back what setCookie() wrote, among other cookies', () => {
  fc.assert(
    fc.property(octets, fc.array(otherCookie), fc.array(otherCookie), (value, before, after) => {
      const [pair = ''] = setCookie({ ...whole, value }).split('; ');
      assert.deepEqual(read([...before, pair, ...after].join('; ')), { kind: 'one', value });
    }),
  );
});

test('withoutCookies() leaves nothing that readCookie() would find, and every other cookie, whatever the field says', () => {
  const piece = fc.constantFrom(name, '=', ';', ' ', '\t', '"', ',', 'a', 'b=1', `; ${name}=x`, '\u00a0');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const fields = ['Cookie', pieces.join('')];
      const rest = withoutCookies(fields, (one) => one === name);
      assert.deepEqual(readCookie(rest, name), { kind: 'none' });
      for (const other of ['a', 'b']) assert.deepEqual(readCookie(rest, other), readCookie(fields, other));
    }),
    { numRuns: 2000 },
  );
});

for (const value of [
  'cardea=x',
  'cardea=',
  ' cardea = x',
  '\tcardea\t=x; Path=/',
  '=cardea=x',
  '= cardea=x',
  '==cardea=x',
]) {
  test(`withoutSetCookies() removes ${JSON.stringify(value)}`, () => {
    assert.deepEqual(
      withoutSetCookies(['A', '1', 'set-COOKIE', value, 'B', '2'], (one) => one === 'cardea'),
      ['A', '1', 'B', '2'],
    );
  });
}

test('withoutSetCookies() leaves everything else as it is', () => {
  const fields = [
    'Set-Cookie',
    'own=cardea=x',
    'Set-Cookie',
    'cardea2=x',
    'Set-Cookie',
    'cardea',
    'Cookie',
    'cardea=x',
  ];
  assert.equal(
    withoutSetCookies(fields, (one) => one === 'cardea'),
    fields,
  );
});
