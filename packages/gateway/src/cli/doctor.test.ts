import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { openKeys } from '../stores/key-file.ts';
import { runCli } from './run.ts';
import { Screen } from './testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-doctor-cli-'));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(
  join(folder, 'cardea.yaml'),
  'admin: false\nstate: ./state\napps: [{ name: a, host: a, upstream: http://127.0.0.1:3000, rules: [{ path: /**, public: true }] }]\n',
);
writeFileSync(
  join(folder, 'faulty.yaml'),
  'apps: [{ name: a, host: a, upstream: http://127.0.0.1:3000, rules: [{ path: /**, public: true }, { path: /x, public: true }] }]\n',
);
writeFileSync(join(folder, 'broken.yaml'), 'apps: 7\n');

async function run(argv: readonly string[], stop?: AbortSignal) {
  const [stdout, stderr] = [new Screen(), new Screen()];
  const terminal = {
    stdin: Readable.from([]),
    stdout,
    stderr,
    env: {},
    cwd: folder,
    version: '1',
    now: Date.now,
    ...(stop === undefined ? {} : { stop }),
  };
  const status = await runCli(['doctor', ...argv], { serve: async () => {}, terminal });
  return { status, stdout: stdout.text, stderr: stderr.text };
}

const misunderstood: readonly (readonly [name: string, argv: readonly string[], said: RegExp])[] = [
  ['a side that there is not', ['--from', 'above'], /--from is gateway, app or outside/],
  ['an address that is none', ['--url', 'desk.corp.example'], /--url is a list of addresses/],
  ['a check that there is not', ['--only', 'state,weather'], /no check and no finding "weather"/],
  ['a time that is none', ['--every', '5'], /--every: "5" is not a duration/],
  ['two configurations', ['cardea.yaml', '--config', 'cardea.yaml'], /name the configuration once/],
  ['a file of authorities that is not there', ['--ca', 'nowhere.pem'], /--ca: the file cannot be read/],
];
for (const [name, argv, said] of misunderstood)
  test(`cardea doctor misunderstands ${name}`, async () => {
    const { status, stdout, stderr } = await run(argv);
    assert.equal(status, 2);
    assert.match(stderr, said);
    assert.equal(stdout, '');
  });

test('cardea doctor says that an address of --url leads to no app', async () => {
  openKeys(join(folder, 'state'), Date.now());
  const { status, stdout } = await run(['--only', 'gateway-answers', '--url', 'http://127.0.0.1:1']);
  assert.equal(status, 3);
  assert.match(stdout, /seen: {2}no name in --url is the host of an app/);
});

test('cardea doctor looks at a configuration that serve would refuse, and says what is wrong', async () => {
  const { status, stdout } = await run(['faulty.yaml', '--only', 'configuration', '--json']);
  assert.equal(status, 1);
  const { findings } = JSON.parse(stdout);
  assert.deepEqual(
    findings.map(({ id, verdict }: { id: string; verdict: string }) => [id, verdict]),
    [['rule-unreachable', 'fail']],
  );
});

test('cardea doctor tries nothing when the configuration has no shape', async () => {
  const { status, stderr } = await run(['broken.yaml']);
  assert.equal(status, 1);
  assert.match(stderr, /nothing was tried/);
});

test('cardea doctor has status 0 when everything passes, and 3 when something is unknown', async () => {
  assert.equal((await run(['--only', 'node-version'])).status, 0);
  const { status, stdout } = await run(['--only', 'program']);
  assert.equal(status, 3);
  assert.match(stdout, /unknown {2}gateway-ready/);
});

test('cardea doctor makes nothing on the disk', async () => {
  const before = readdirSync(folder);
  await run(['--only', 'state,through-gateway']);
  assert.deepEqual(readdirSync(folder), before);
});

test('cardea doctor --every writes its findings for Prometheus again and again, until it is told to stop', async () => {
  const stop = new AbortController();
  const file = join(folder, 'doctor.prom');
  const ends = new Set<string>();
  const watcher = watch(folder, () => {
    if (!existsSync(file)) return;
    ends.add(/last_run_timestamp_seconds\{.*/.exec(readFileSync(file, 'utf8'))?.[0] ?? '');
    if (ends.size >= 2) stop.abort();
  });
  const { status, stdout } = await run(
    ['--every', '1s', '--textfile', 'doctor.prom', '--only', 'node-version'],
    stop.signal,
  );
  watcher.close();
  assert.equal(status, 0);
  assert.equal(stdout, '');
  const text = readFileSync(file, 'utf8');
  assert.match(text, /cardea_doctor_findings\{from="gateway",id="node-version",verdict="pass"\} 1\n/);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.new')),
    [],
  );
});

test('cardea doctor says so when the file for Prometheus cannot be written', async () => {
  const { status, stderr } = await run(['--textfile', 'nowhere/doctor.prom', '--only', 'node-version']);
  assert.equal(status, 1);
  assert.match(stderr, /--textfile cannot be written: it does not exist/);
});
