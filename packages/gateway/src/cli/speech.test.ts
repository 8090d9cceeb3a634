import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PassThrough } from 'node:stream';
import { speechOf, verbOf } from './speech.ts';

const allowed = { list: ['json'], revoke: ['id', 'json'] } as const;

test('verbOf() gives the verb and the operands behind it', () => {
  const options = { id: 'a' };
  assert.deepEqual(verbOf({ positionals: ['revoke', 'cardea.yaml'], options }, allowed), {
    verb: 'revoke',
    args: { positionals: ['cardea.yaml'], options },
  });
});

const wrong: readonly (readonly [
  positionals: readonly string[],
  options: Readonly<Record<string, string>>,
  says: string,
])[] = [
  [[], {}, 'say one of list, revoke'],
  [['lists'], {}, 'say one of list, revoke'],
  [['toString'], {}, 'say one of list, revoke'],
  [['list'], { id: 'a' }, 'list takes no --id'],
];
for (const [positionals, options, says] of wrong)
  test(`verbOf() says "${says}" of ${JSON.stringify([...positionals, ...Object.keys(options)])}`, () => {
    assert.equal(verbOf({ positionals, options }, allowed), says);
  });

test('speechOf() tells a fault of the command line from another one, by the exit status too', () => {
  const parts: string[] = [];
  const stderr = new PassThrough({ encoding: 'utf8' });
  stderr.write = (text: string) => parts.push(text) > 0;
  const { misunderstood, failed } = speechOf('keys', { stderr });
  assert.deepEqual([misunderstood('what?'), failed('gone')], [2, 1]);
  assert.equal(parts.join(''), 'cardea keys: what?\nTry: cardea help keys\ncardea keys: gone\n');
});
