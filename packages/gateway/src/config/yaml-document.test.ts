import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Path } from './problem.ts';
import { readYaml } from './yaml-document.ts';

const text = `# a comment
listen: { address: 127.0.0.1:8080 }
roles:
  "my role":
    groups: [a, b]
empty:
apps:
  - name: desk
    host: x
  - &other
    name: tool
again: *other
`;

const place = (path: Path, atKey = false): string => {
  const { line, column } = readYaml(text, 'f').locate({ severity: 'error', path, atKey, message: '', fix: '' });
  return `${line}:${column}`;
};

const places: readonly (readonly [what: string, path: Path, place: string, atKey?: boolean])[] = [
  ['a value', ['listen', 'address'], '2:20'],
  ['a key', ['listen', 'address'], '2:11', true],
  ['a mapping that stands where a list may', ['listen', 0, 'address'], '2:20'],
  ['an entry of a list in a quoted key', ['roles', 'my role', 'groups', 1], '5:17'],
  ['a key without a value', ['empty'], '6:1'],
  ['a value in a list of mappings', ['apps', 1, 'name'], '11:11'],
  ['what is missing: at the mapping that lacks it', ['apps', 0, 'upstream'], '8:5'],
  ['what is missing at the top: at the first key', ['state'], '2:1'],
  ['a value behind an alias', ['again', 'name'], '11:11'],
  ['what lies below a scalar: at the scalar', ['apps', 0, 'host', 'x'], '9:11'],
];

for (const [what, path, expected, atKey] of places)
  test(`readYaml() finds the place of ${what}`, () => {
    assert.equal(place(path, atKey), expected);
  });

const faults: readonly (readonly [what: string, text: string, line: number])[] = [
  ['a key twice', 'a: 1\nb: 2\na: 3\n', 3],
  ['a tab as indentation', 'a:\n\tb: 1\n', 2],
  ['a second document', 'a: 1\n---\nb: 2\n', 2],
  ['a tag', 'a: !!binary aGk=\n', 1],
  ['a tag of its own', 'a: 1\nb: !secret x\n', 2],
  ['an unknown alias', 'a: *\n', 1],
  ['a bracket that is not closed', 'a: [1, 2\n', 2],
  ['the older YAML', '%YAML 1.1\n---\na: no\n', 1],
];

for (const [what, source, line] of faults)
  test(`readYaml() refuses ${what}, with its line`, () => {
    const { problems } = readYaml(source, 'f');
    assert.equal(problems[0]?.line, line);
  });

test('readYaml() takes "no" and "off" for text, as YAML 1.2 does', () => {
  assert.deepEqual(readYaml('a: no\nb: off\n', 'f').value, { a: 'no', b: 'off' });
});

test('readYaml() does not follow aliases that grow beyond all measure', () => {
  const bomb = ['a0: &a0 [x, x]', ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`)];
  const { value, problems } = readYaml(bomb.join('\n'), 'f');
  assert.equal(value, undefined);
  assert.equal(problems.length, 1);
});

test('readYaml() does not read a file of more than 1 MiB', () => {
  assert.equal(readYaml(`a: ${'x'.repeat(1024 * 1024)}`, 'f').value, undefined);
});

test('readYaml() makes nothing of a broken text', () => {
  assert.equal(readYaml('a: [1\nb: {', 'f').value, undefined);
});

test('readYaml() never repeats the text in a message, which may be a password', () => {
  for (const source of [
    'password: "hunter2\n',
    'a: [hunter2\nb: }',
    '? hunter2\n: : x',
    'hunter2: [}',
    '%hunter2\n---\n',
    '!<hunter2',
    'a: @hunter2',
  ])
    for (const { message, fix } of readYaml(source, 'f').problems) assert.doesNotMatch(message + fix, /hunter2/);
});

test('readYaml() gives plain data without inherited names', () => {
  const { value } = readYaml('__proto__: { polluted: true }\n', 'f');
  assert.equal(Reflect.get({}, 'polluted'), undefined);
  assert.ok(typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__'));
});
