/**
 * A client's machine, the gateway's and the app's, with networks of their own between them: the app can be reached through the
 * gateway and in no other way, and `cardea doctor` proves it from all three sides. With a hole it says so.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { reasonToSkip } from '../../lab/packages.ts';
import { certificate, host } from './gateway.ts';
import type { Reported } from './deployment.ts';
import { type Machine, Network, noNamespaces } from './namespaces.ts';

const command = join(import.meta.dirname, '../../packages/gateway/bin/cardea.mjs');
const node = process.execPath;

const app = (address: string): string =>
  `require('node:http').createServer((q, s) => s.end('the app itself')).listen(3000, '${address}', () => console.log('listening'))`;

interface Report {
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly Reported[];
}

suite('cardea doctor from three sides', { skip: reasonToSkip() || noNamespaces(), timeout: 120_000 }, () => {
  const network = new Network();
  const folder = mkdtempSync(join(tmpdir(), 'cardea-isolation-'));
  let client: Machine;
  let gateway: Machine;
  let appHost: Machine;
  let running: ChildProcess;

  before(async () => {
    [client, gateway, appHost] = [
      await network.machine('client'),
      await network.machine('gateway'),
      await network.machine('app'),
    ];
    await network.cable([client, '10.77.1.2/24'], [gateway, '10.77.1.1/24']);
    await network.cable([gateway, '10.77.2.1/24'], [appHost, '10.77.2.2/24']);
    // Both would send their packets across the gateway's machine, if that let them through.
    await client.route('10.77.1.1');
    await appHost.route('10.77.2.1');
    await gateway.forward(false);

    const files = await certificate();
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
    writeFileSync(join(folder, 'users.yaml'), '{ "users": [] }', { mode: 0o600 });
    writeFileSync(
      join(folder, 'cardea.yaml'),
      `
listen: { address: "0.0.0.0:8443", tls: { cert: tls.pem, key: tls.key } }
admin: { address: "127.0.0.1:9464" }
threads: 1
sign_in: [{ password: { ldap: true } }]
directory: { ldap: { url: "ldaps://10.77.9.9", bind: { user: svc@corp.example, password: "\${env:NOBODY_SETS_THIS}" } } }
apps:
  - name: sample
    host: ${host}
    upstream: http://10.77.2.2:3000
    rules:
      - { path: /open, public: true }
      - { path: /**, signed_in: true }
`,
    );
    running = await startApp('10.77.2.2');
    const served = gateway.start(
      '/usr/bin/env',
      ['NOBODY_SETS_THIS=but-the-gateway', node, command, 'serve', 'cardea.yaml'],
      folder,
    );
    await said(served, 'stderr', /Cardea is listening/);
  });
  after(async () => {
    await network.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function startApp(address: string): Promise<ChildProcess> {
    const child = appHost.start(node, ['-e', app(address)], folder);
    await said(child, 'stdout', /listening/);
    return child;
  }

  /** What the command says on one of the machines, of what is about isolation. */
  async function look(machine: Machine, ...args: readonly string[]): Promise<Report & { readonly status: number }> {
    const secret = machine === gateway ? ['NOBODY_SETS_THIS=but-the-gateway'] : [];
    const { status, stdout, stderr } = await machine.attempt(
      '/usr/bin/env',
      [...secret, node, command, 'doctor', 'cardea.yaml', '--json', '--timeout', '1s', ...args],
      { cwd: folder },
    );
    assert.notEqual(stdout, '', stderr);
    return { ...JSON.parse(stdout), status: status ?? -1 };
  }

  const outside = (targets = '10.77.1.1') =>
    look(client, '--from', 'outside', '--target', targets, '--only', 'upstream-around,exposure,cookies,tls-version');

  const of = (report: Report, id: string): readonly string[] =>
    report.findings.filter((one) => one.id === id).map(({ verdict }) => verdict);

  const brief = ({ findings }: Report): string => JSON.stringify(findings, undefined, 2);

  test('a client reaches the app through the gateway', async () => {
    const { stdout } = await client.attempt('/usr/bin/curl', [
      '-ks',
      '--resolve',
      `${host}:8443:10.77.1.1`,
      `https://${host}:8443/open`,
    ]);
    assert.equal(stdout, 'the app itself');
  });

  test('from the client nothing but the gateway is to be reached', async () => {
    const report = await outside();
    assert.deepEqual([report.status, report.counts['fail'], report.counts['unknown']], [0, 0, 0], brief(report));
    assert.deepEqual(of(report, 'upstream-around'), ['pass']);
    assert.deepEqual(of(report, 'admin-exposed'), ['pass']);
    assert.match(report.findings.find(({ id }) => id === 'upstream-around')?.tried ?? '', /10\.77\.2\.2:3000/);
  });

  test('from the gateway the app is reached, and requests come through; whether others reach it is not known there', async () => {
    const report = await look(gateway, '--only', 'upstream-around,upstream-answers,through-gateway,admin-exposed');
    assert.deepEqual(of(report, 'upstream-answers'), ['pass'], brief(report));
    assert.deepEqual(of(report, 'upstream-around'), ['unknown']);
    for (const id of ['gateway-answers', 'forged-header', 'forged-identity', 'upgrade', 'admin-exposed'])
      assert.deepEqual(of(report, id), ['pass'], brief(report));
    assert.equal(report.status, 3);
  });

  test('from the app it listens on the one address that upstream names', async () => {
    const report = await look(appHost, '--from', 'app', '--only', 'upstream-around');
    assert.deepEqual([report.status, of(report, 'upstream-around')], [0, ['pass']], brief(report));
  });

  test('from the client a gateway that passes packets on is found', async () => {
    await gateway.forward(true);
    try {
      const report = await outside();
      assert.deepEqual([report.status, of(report, 'upstream-around')], [1, ['fail']], brief(report));
      assert.match(report.findings.find(({ id }) => id === 'upstream-around')?.seen ?? '', /10\.77\.2\.2:3000/);
    } finally {
      await gateway.forward(false);
    }
    assert.deepEqual(of(await outside(), 'upstream-around'), ['pass']);
  });

  test('a second cable to an app that listens everywhere is found from the client and from the app', async () => {
    await network.cable([client, '10.77.3.1/24'], [appHost, '10.77.3.2/24']);
    running.kill('SIGKILL');
    await new Promise((resolve) => running.once('exit', resolve));
    await startApp('0.0.0.0');
    const fromClient = await outside('10.77.1.1,10.77.3.2');
    assert.deepEqual([fromClient.status, of(fromClient, 'upstream-around')], [1, ['fail']], brief(fromClient));
    const fromApp = await look(appHost, '--from', 'app', '--only', 'upstream-around');
    assert.deepEqual([fromApp.status, of(fromApp, 'upstream-around')], [1, ['fail']], brief(fromApp));
    assert.match(fromApp.findings[0]?.seen ?? '', /10\.77\.3\.2:3000/);
  });
});

/** Waits until a program has said so; fails with what it said when it ends before. */
function said(child: ChildProcess, stream: 'stdout' | 'stderr', what: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    for (const name of ['stdout', 'stderr'] as const)
      child[name]?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (name === stream && what.test(text)) resolve();
      });
    child.once('exit', () => reject(new Error(`it has ended: ${text}`)));
  });
}
