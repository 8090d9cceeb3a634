import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { Terminal } from './command.ts';
import { type PasswordInput, readPassword } from './read-password.ts';
import { Screen } from './testing.ts';

interface Typed {
  readonly input: PasswordInput;
  /** What is on the screen. */
  readonly shown: string;
  /** The modes that the terminal was put into, in turn. */
  readonly modes: readonly boolean[];
}

/** Somebody at a terminal who types these chunks. */
async function type(...chunks: readonly string[]): Promise<Typed> {
  const modes: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true as const,
    setRawMode(mode: boolean) {
      modes.push(mode);
      return stdin as never;
    },
  });
  const stderr = new Screen();
  const terminal: Terminal = {
    stdin,
    stdout: new PassThrough(),
    stderr,
    env: {},
    cwd: '/',
    version: '1',
    now: () => 0,
  };
  for (const chunk of chunks) stdin.write(chunk);
  const input = await readPassword(terminal);
  return { input, shown: stderr.text, modes };
}

const cases: readonly (readonly [what: string, keys: readonly string[], input: PasswordInput])[] = [
  ['the same password twice', ['hunter2\r', 'hunter2\r'], { kind: 'ok', password: 'hunter2' }],
  ['both in one go', ['hunter2\rhunter2\r'], { kind: 'ok', password: 'hunter2' }],
  ['key by key', ['h', 'é', '\r', 'h', 'é', '\r'], { kind: 'ok', password: 'hé' }],
  ['a slip that is corrected', ['hunterr\u007f2\r', 'hunter2\r'], { kind: 'ok', password: 'hunter2' }],
  ['a line that is begun anew', ['wrong\u0015hunter2\r', 'hunter2\r'], { kind: 'ok', password: 'hunter2' }],
  ['two passwords', ['hunter2\r', 'hunter3\r'], { kind: 'wrong', message: 'the two are not the same' }],
  ['Ctrl-C', ['hun\u0003'], { kind: 'wrong', message: 'nothing was made' }],
  ['Ctrl-D the second time', ['hunter2\r', '\u0004'], { kind: 'wrong', message: 'nothing was made' }],
];

for (const [what, keys, input] of cases)
  test(`readPassword() understands ${what}, shows nothing of it and leaves the terminal as it was`, async () => {
    const typed = await type(...keys);
    assert.deepEqual(typed.input, input);
    assert.doesNotMatch(typed.shown, /hun|h\u00e9|wrong/);
    assert.deepEqual(typed.modes, [true, false]);
  });
