/**
 * cardea.yaml, valkey.conf and the Secrets of docs/kubernetes.md, run: with the paths of a folder in the place of the container's,
 * free ports, Redis in the place of Valkey, and no directory. The same in a container's place is in image.test.ts.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync } from 'node:fs';
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { attempt } from '../../../lab/processes.ts';
import { openKeys } from '../../../packages/gateway/src/stores/key-file.ts';
import { at, find, listAt, rendered, textAt } from './objects.ts';
import { command, listening, notHere, type RunningGateway, type Stand, startStand, writeFiles } from './stand.ts';

const objects = rendered('overlays/kubernetes');
const pod = at(find(objects, 'Deployment', 'cardea'), 'spec', 'template', 'spec');
const [container] = listAt(pod, 'containers');

suite('the deployment of examples/kubernetes', { skip: notHere }, () => {
  let stand: Stand;
  let folder: string;
  let gateway: RunningGateway;
  let key: string;

  const cardea = (...args: readonly string[]): ReturnType<typeof attempt> =>
    attempt(process.execPath, [command, ...args], { cwd: folder });
  const status = async (path: string): Promise<number | undefined> => {
    const [response] = (await once(getPlain(`http://${gateway.admin}${path}`), 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };

  before(async () => {
    stand = await startStand(objects);
    folder = join(stand.folder, 'pod');
    const of = (name: string): Readonly<Record<string, Uint8Array>> => stand.sources.get(name) ?? {};
    writeFiles(join(folder, 'run/secrets/cardea'), of('cardea-secrets'));
    writeFiles(join(folder, 'run/tls/cardea'), of('cardea-tls'));
    writeFiles(join(folder, 'run/tls/valkey'), { 'ca.crt': of('valkey-tls')['ca.crt'] ?? new Uint8Array() });
    writeFiles(join(folder, 'run/tls/corp'), of('corp-ca'));
    const state = join(folder, 'var/lib/cardea');
    mkdirSync(state, { recursive: true, mode: 0o700 });
    writeFiles(state, of('cardea-keys'));
    chmodSync(join(state, 'keys.json'), 0o600);
    const config = stand
      .here(textAt(find(objects, 'ConfigMap', 'cardea-config'), 'data', 'cardea.yaml'))
      .replaceAll(/(?<=[ :])(?=\/(?:run|var)\/)/g, folder);
    writeFiles(folder, { 'cardea.yaml': Buffer.from(config) });
    const made = await cardea('keys', 'create', '--name', 'nightly', '--group', 'llm-users');
    assert.equal(made.status, 0, made.stderr);
    key = made.stdout.trim();
    gateway = await listening(
      spawn(process.execPath, [command, 'serve'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  });
  after(async () => {
    gateway?.kill('SIGKILL');
    await stand?.close();
  });

  test('keys.json of the commands in the document is one that a gateway uses', () => {
    assert.equal(openKeys(join(folder, 'var/lib/cardea'), Date.now()).length, 1);
  });

  test('what the probes ask is answered, also without the directory', async () => {
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
      assert.equal(await status(textAt(container, probe, 'httpGet', 'path')), 200, probe);
    assert.equal(await stand.redis.probe(), 0);
  });

  test('metrics are there for the monitoring, and usage is not without the token', async () => {
    assert.equal(await status('/metrics'), 200);
    assert.equal(await status('/api/usage'), 403);
  });

  test('both hosts are served: one asks for a Windows sign-in and has the keys, the other asks for a token', async () => {
    const token = await stand.ask(gateway.address, 'auth.corp.example', '/desktop/token', { method: 'POST' });
    assert.deepEqual([token.status, token.headers['www-authenticate']], [401, 'Negotiate']);
    const { status: found, body } = await stand.ask(gateway.address, 'auth.corp.example', '/.well-known/jwks.json');
    assert.equal(found, 200);
    assert.ok(
      listAt(JSON.parse(body), 'keys').some((one) => at(one, 'kty') === 'RSA'),
      'the key of the issuer',
    );
    assert.equal((await stand.ask(gateway.address, 'llm.corp.example', '/v1/models')).status, 401);
  });

  test('Redis lets the gateway do what it needs, as doctor sees it, and nobody without a password do anything', async () => {
    const { stdout } = await cardea('doctor', '--only', 'redis', '--json');
    const verdicts = listAt(JSON.parse(stdout), 'findings').map(
      (one) => `${textAt(one, 'verdict')} ${textAt(one, 'id')}`,
    );
    for (const id of ['redis-connect', 'redis-latency', 'redis-persistence', 'redis-eviction'])
      assert.ok(verdicts.includes(`pass ${id}`), verdicts.join());
    const ca = join(folder, 'run/tls/valkey/ca.crt');
    const plain = ['--tls', '--cacert', ca, '-p', String(stand.redis.port)];
    assert.match((await attempt('/usr/bin/redis-cli', [...plain, 'get', '{cardea}:x'])).stdout, /^NOAUTH/);
    const password = Buffer.from(stand.sources.get('cardea-secrets')?.['redis-password'] ?? [])
      .toString()
      .trim();
    const asCardea = [...plain, '--user', 'cardea', '--pass', password, '--no-auth-warning'];
    assert.match((await attempt('/usr/bin/redis-cli', [...asCardea, 'get', '{other}:x'])).stdout, /^NOPERM/);
    assert.match((await attempt('/usr/bin/redis-cli', [...asCardea, 'flushall'])).stdout, /^NOPERM/);
  });

  test('a stop takes less than the pod is given, with a stream open, which goes on for the grace', async () => {
    const agent = stand.agent('llm.corp.example');
    const headers = { Host: 'llm.corp.example', 'X-API-Key': key };
    const asked = get(`https://${gateway.address}/v1/chat/completions`, { agent, headers });
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.on('error', () => {});
    assert.equal(response.statusCode, 200);
    const [seen] = stand.llm.seen;
    assert.deepEqual(
      [seen?.authorization, seen?.['x-orion-user'], seen?.['x-orion-groups'], seen?.['x-api-key']],
      ['Bearer of-the-llm', 'key:nightly', 'llm-users', undefined],
    );
    let last = 0;
    response.on('data', () => (last = performance.now()));
    await once(response, 'data');

    const since = performance.now();
    gateway.kill('SIGTERM');
    assert.equal(await gateway.ended, 0);
    const took = performance.now() - since;
    agent.destroy();
    assert.ok(last - since > 5_000, `the stream went on for ${Math.round(last - since)} ms`);
    const waits = Number(listAt(container, 'lifecycle', 'preStop', 'exec', 'command')[1]);
    const given = Number(at(pod, 'terminationGracePeriodSeconds'));
    assert.ok(waits * 1_000 + took < given * 1_000 - 10_000, `${waits} s and ${Math.round(took)} ms of ${given} s`);
    assert.doesNotMatch(gateway.log(), /"level":"error"|NOPERM/);
  });
});
