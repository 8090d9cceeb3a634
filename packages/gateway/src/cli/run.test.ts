import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { verifyPassword } from '../auth/password-hash.ts';
import type { Loaded } from '../config/load.ts';
import { DatabaseError } from '../stores/database.ts';
import { KeyFileError } from '../stores/key-file.ts';
import { commands, runCli } from './run.ts';
import { Screen } from './testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-cli-'));
after(() => rmSync(folder, { recursive: true }));
const good = 'apps: [{ name: a, host: a, upstream: http://127.0.0.1:3000, rules: [{ path: /**, public: true }] }]\n';
writeFileSync(join(folder, 'good.yaml'), good);
writeFileSync(join(folder, 'bad.yaml'), `${good}colour: blue\n`);

interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const nothing = async (_loaded: Loaded): Promise<void> => {};

async function run(argv: readonly string[], { stdin = '', cwd = folder, serve = nothing } = {}): Promise<Run> {
  const stdout = new Screen();
  const stderr = new Screen();
  const terminal = {
    stdin: Readable.from([Buffer.from(stdin)]),
    stdout,
    stderr,
    env: {},
    cwd,
    version: '1.2.3',
    now: () => 0,
  };
  const status = await runCli(argv, { serve, terminal });
  return { status, stdout: stdout.text, stderr: stderr.text };
}

test('runCli() lists the commands when there is none, and calls that misunderstood', async () => {
  const { status, stderr } = await run([]);
  assert.equal(status, 2);
  for (const { name } of commands(nothing)) assert.ok(stderr.includes(name));
});

test('runCli() says its version', async () => {
  assert.deepEqual(await run(['--version']), { status: 0, stdout: 'cardea 1.2.3\n', stderr: '' });
});

for (const { name, options } of commands(nothing))
  test(`runCli() has help for ${name}, by "help" and by "--help", with every option`, async () => {
    const { status, stdout } = await run(['help', name]);
    assert.equal(status, 0);
    for (const option of Object.keys(options)) assert.ok(stdout.includes(`--${option}`));
    assert.equal((await run([name, '--help'])).stdout, stdout);
    assert.equal((await run([name, '-h'])).stdout, stdout);
  });

const misunderstood: readonly (readonly [argv: readonly string[], says: RegExp])[] = [
  [['chekc'], /did you mean check/],
  [['check', '--jsn'], /did you mean --json/],
  [['check', '--json=yes'], /takes no value/],
  [['check', 'a.yaml', 'b.yaml'], /at most 1/],
  [['check', '--constructor'], /unknown option/],
  [['check'], /no configuration/],
  [['serve'], /no configuration/],
  [['hash-password', 'hunter2'], /nothing to name/],
];

for (const [argv, says] of misunderstood)
  test(`runCli() ends with status 2 for: cardea ${argv.join(' ')}`, async () => {
    const { status, stderr, stdout } = await run(argv);
    assert.equal(status, 2);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr + stdout, /hunter2/);
  });

test('cardea check takes the file that is named', async () => {
  assert.equal((await run(['check', 'good.yaml'])).status, 0);
  assert.equal((await run(['check', join(folder, 'bad.yaml')])).status, 1);
  assert.equal((await run(['check', 'nobody.yaml'])).status, 1);
});

test('cardea check --json prints JSON that says whether all is well', async () => {
  const of = async (file: string): Promise<unknown> => JSON.parse((await run(['check', '--json', file])).stdout);
  assert.deepEqual(await of('good.yaml'), { file: 'good.yaml', ok: true, errors: [], warnings: [] });
  assert.deepEqual(Object.keys((await of('bad.yaml')) as object), ['file', 'ok', 'errors', 'warnings']);
});

test('cardea serve hands over the checked configuration and waits for the end', async () => {
  let names: readonly string[] = [];
  const serve = async ({ config }: Loaded): Promise<void> => {
    names = config.apps.map(({ name }) => name);
  };
  assert.equal((await run(['serve', 'good.yaml'], { serve })).status, 0);
  assert.deepEqual(names, ['a']);
});

test('cardea serve starts nothing when the configuration is wrong', async () => {
  const serve = (): Promise<void> => assert.fail();
  const { status, stderr } = await run(['serve', 'bad.yaml'], { serve });
  assert.equal(status, 1);
  assert.match(stderr, /bad\.yaml:2:1: colour: this key is unknown[\s\S]*nothing was started/);
});

test('cardea serve says in one line that its port is taken', async () => {
  const serve = (): Promise<void> => {
    throw Object.assign(new Error('listen EADDRINUSE: address already in use 127.0.0.1:8080'), { syscall: 'listen' });
  };
  const { status, stderr } = await run(['serve', 'good.yaml'], { serve });
  assert.deepEqual([status, stderr.split('\n').length], [1, 2]);
});

test('cardea serve says in one line that its state directory cannot be used', async () => {
  for (const known of [
    new DatabaseError('Cannot use database "x": y'),
    new KeyFileError('Cannot use key file "x": y'),
  ]) {
    const serve = (): Promise<void> => Promise.reject(known);
    const { status, stderr } = await run(['serve', 'good.yaml'], { serve });
    assert.deepEqual([status, stderr], [1, `cardea serve: ${known.message}\n`]);
  }
});

test('cardea serve does not hide a fault of its own', async () => {
  const serve = (): Promise<void> => {
    throw new TypeError('x is not a function');
  };
  await assert.rejects(run(['serve', 'good.yaml'], { serve }), TypeError);
});

for (const [what, stdin] of [
  ['with a newline', 'hunter2\n'],
  ['without one', 'hunter2'],
  ['with the newline of Windows', 'hunter2\r\n'],
] as const)
  test(`cardea hash-password takes one line from a pipe, ${what}`, async () => {
    const { status, stdout } = await run(['hash-password'], { stdin });
    assert.equal(status, 0);
    assert.ok(await verifyPassword('hunter2', stdout.trim()));
  });

for (const [what, stdin] of [
  ['nothing', ''],
  ['two lines', 'hunter2\nhunter2\n'],
  ['far too much', 'x'.repeat(2_000)],
] as const)
  test(`cardea hash-password refuses ${what}, and does not repeat it`, async () => {
    const { status, stdout, stderr } = await run(['hash-password'], { stdin });
    assert.deepEqual([status, stdout], [1, '']);
    assert.doesNotMatch(stderr, /hunter2|xxx/);
  });
