/** The manifests of examples/kubernetes: each object by itself, and whether they fit each other, cardea.yaml and docs/kubernetes.md. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { openFiles } from '../../../packages/gateway/src/config/files.ts';
import { checkConfig } from '../../../packages/gateway/src/config/load.ts';
import { documentPath, madeByHand } from './document.ts';
import { at, find, folder, isRecord, labelsAt, listAt, type Manifest, overlays, rendered, textAt } from './objects.ts';
import { faultsOf } from './schemas.ts';

const configOf = (overlay: string): string =>
  textAt(find(rendered(overlay), 'ConfigMap', 'cardea-config'), 'data', 'cardea.yaml');
const podOf = (workload: Manifest): unknown => at(workload, 'spec', 'template', 'spec');
const containersOf = (workload: Manifest): readonly unknown[] => [
  ...listAt(podOf(workload), 'initContainers'),
  ...listAt(podOf(workload), 'containers'),
];
const workloadsOf = (objects: readonly Manifest[]): readonly Manifest[] =>
  objects.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
const ofKind = (objects: readonly Manifest[], kind: string): readonly Manifest[] =>
  objects.filter((one) => one.kind === kind);

/** Names of the Secrets and ConfigMaps that a volume is made of. */
const sourcesOf = (volume: unknown): readonly string[] =>
  [at(volume, 'secret', 'secretName'), at(volume, 'configMap', 'name')].filter((name) => typeof name === 'string');

/** Every value in an object, at whatever depth. */
function* valuesIn(value: unknown): Generator {
  yield value;
  if (typeof value === 'object' && value !== null) for (const child of Object.values(value)) yield* valuesIn(child);
}

for (const overlay of overlays)
  suite(overlay, () => {
    const objects = rendered(overlay);
    const workloads = workloadsOf(objects);
    const gateway = find(objects, 'Deployment', 'cardea');

    test('each object is as the schema of its kind says', () => {
      assert.deepEqual(
        objects.flatMap((object) => faultsOf(object)),
        [],
      );
    });

    test('each object is there once, in a namespace of ours', () => {
      const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
      assert.equal(new Set(names).size, names.length);
      const namespaces = ofKind(objects, 'Namespace').map(({ metadata }) => metadata.name);
      for (const { kind, metadata } of objects)
        if (kind !== 'Namespace') assert.ok(namespaces.includes(metadata.namespace ?? ''), `${kind} ${metadata.name}`);
    });

    test('no secret is among them', () => {
      assert.deepEqual(ofKind(objects, 'Secret'), []);
      for (const value of valuesIn(objects)) if (typeof value === 'string') assert.doesNotMatch(value, /PRIVATE KEY/);
    });

    test('each selector finds the pods that it is for, and no others', () => {
      const podsWith = (namespace: string, selector: Readonly<Record<string, string>>): readonly string[] =>
        workloads
          .filter(({ metadata }) => metadata.namespace === namespace)
          .filter((one) => {
            const labels = labelsAt(one, 'spec', 'template', 'metadata', 'labels');
            return Object.entries(selector).every(([name, value]) => labels[name] === value);
          })
          .map(({ metadata }) => metadata.name);
      for (const one of [...workloads, ...ofKind(objects, 'PodDisruptionBudget')])
        assert.deepEqual(podsWith('cardea', labelsAt(one, 'spec', 'selector', 'matchLabels')), [one.metadata.name]);
      for (const { metadata, ...service } of ofKind(objects, 'Service')) {
        if (metadata.namespace !== 'cardea') continue;
        const [name = ''] = metadata.name.split('-');
        assert.deepEqual(podsWith('cardea', labelsAt(service, 'spec', 'selector')), [name], metadata.name);
      }
      for (const { metadata, ...policy } of ofKind(objects, 'NetworkPolicy')) {
        const selector = labelsAt(policy, 'spec', 'podSelector', 'matchLabels');
        if (metadata.namespace !== 'cardea' || Object.keys(selector).length === 0) continue;
        assert.equal(podsWith('cardea', selector).length, 1, metadata.name);
      }
    });

    test('ports that are named are ports of the containers, and probes ask one of them', () => {
      const named = new Map(
        workloads.flatMap((one) =>
          containersOf(one).flatMap((container) =>
            listAt(container, 'ports').map(
              (port) => [textAt(port, 'name'), Number(at(port, 'containerPort'))] as const,
            ),
          ),
        ),
      );
      assert.deepEqual(Object.fromEntries(named), { https: 8443, admin: 9464, valkey: 6379 });
      for (const service of ofKind(objects, 'Service'))
        for (const port of listAt(service, 'spec', 'ports')) {
          const target = at(port, 'targetPort');
          if (typeof target === 'string') assert.ok(named.has(target), target);
        }
      const [container] = listAt(podOf(gateway), 'containers');
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
        assert.equal(textAt(container, probe, 'httpGet', 'port'), 'admin');
    });

    test('what leads in leads to the service of the gateway, for the hosts that cardea.yaml has', () => {
      const services = ofKind(objects, 'Service');
      const portsOf = (name: string): readonly unknown[] =>
        listAt(find(services, 'Service', name), 'spec', 'ports').map((port) => at(port, 'name'));
      const hosts: string[] = [];
      for (const ingress of ofKind(objects, 'Ingress')) {
        for (const rule of listAt(ingress, 'spec', 'rules')) {
          hosts.push(textAt(rule, 'host'));
          for (const path of listAt(rule, 'http', 'paths')) {
            const service = at(path, 'backend', 'service');
            assert.ok(portsOf(textAt(service, 'name')).includes(at(service, 'port', 'name')));
          }
        }
        assert.deepEqual(
          listAt(ingress, 'spec', 'tls').flatMap((tls) => listAt(tls, 'hosts')),
          hosts,
        );
      }
      for (const route of ofKind(objects, 'Route')) {
        hosts.push(textAt(route, 'spec', 'host'));
        assert.equal(textAt(route, 'spec', 'to', 'name'), 'cardea');
        // A Route names the target port of the service.
        const [port] = listAt(find(services, 'Service', 'cardea'), 'spec', 'ports');
        assert.equal(textAt(route, 'spec', 'port', 'targetPort'), textAt(port, 'targetPort'));
      }
      const config = configOf(overlay);
      const ofConfig = [
        new URL(/^ {2}url: (https:\S+)$/m.exec(config)?.[1] ?? '').host,
        ...[...config.matchAll(/^ {4}host: (\S+)$/gm)].map(([, host = '']) => host),
      ];
      assert.deepEqual(hosts, ofConfig);
    });

    test('each volume is mounted somewhere, each mount has a volume, and what volumes are made of is there', () => {
      const maps = ofKind(objects, 'ConfigMap').map(({ metadata }) => metadata.name);
      for (const workload of workloads) {
        const volumes = listAt(podOf(workload), 'volumes');
        const claims = listAt(workload, 'spec', 'volumeClaimTemplates').map((claim) =>
          textAt(claim, 'metadata', 'name'),
        );
        const names = [...volumes.map((volume) => textAt(volume, 'name')), ...claims];
        const mounted = containersOf(workload).flatMap((container) =>
          listAt(container, 'volumeMounts').map((mount) => textAt(mount, 'name')),
        );
        assert.deepEqual(new Set(mounted), new Set(names));
        for (const source of volumes.flatMap(sourcesOf))
          assert.ok(maps.includes(source) || madeByHand().has(source), `nobody makes ${source}`);
      }
    });

    test('each container may do nothing that it does not need', () => {
      for (const workload of workloads) {
        const pod = podOf(workload);
        assert.equal(at(pod, 'securityContext', 'runAsNonRoot'), true);
        assert.equal(at(pod, 'securityContext', 'seccompProfile', 'type'), 'RuntimeDefault');
        assert.equal(at(pod, 'automountServiceAccountToken'), false);
        for (const container of containersOf(workload)) {
          assert.deepEqual(at(container, 'securityContext'), {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
          assert.notEqual(at(container, 'resources', 'limits', 'memory'), undefined);
        }
      }
    });

    test('users have numbers of their own on plain Kubernetes, and those of the namespace on OpenShift', () => {
      for (const workload of workloads) {
        const { runAsUser, runAsGroup, fsGroup } = Object(at(podOf(workload), 'securityContext'));
        const own = overlay === 'overlays/kubernetes';
        for (const id of [runAsUser, runAsGroup, fsGroup]) assert.equal(typeof id, own ? 'number' : 'undefined');
      }
    });

    test('modes of files are written so that YAML 1.1 and 1.2 read them alike', () => {
      const modes = [...valuesIn(objects)].filter(isRecord).flatMap((one) => one['defaultMode'] ?? []);
      assert.deepEqual(new Set(modes), new Set([0o440]));
    });

    test('cardea.yaml is right, and warns of nothing but the admin listener and the keys', () => {
      const options = { env: {}, now: Date.now(), withFiles: false, production: true };
      const { problems } = checkConfig(configOf(overlay), 'cardea.yaml', openFiles('.'), options);
      assert.deepEqual(
        problems.map(({ severity, path }) => `${severity} ${path}`),
        ['warning admin.address', 'warning redis'],
      );
    });

    test('cardea.yaml and the manifests name the same ports, services and files', () => {
      const config = configOf(overlay);
      assert.match(config, /^ {2}address: 0\.0\.0\.0:8443$/m);
      assert.match(config, /^ {2}address: 0\.0\.0\.0:9464$/m);
      for (const [pattern, service] of [
        [/url: rediss:\/\/(\w+)\.(\w+)\.svc\.cluster\.local:(\d+)$/m, 'valkey'],
        [/url: http:\/\/(\w+)\.(\w+)\.svc\.cluster\.local:(\d+)$/m, 'llm'],
      ] as const) {
        const [, name, namespace, port] = pattern.exec(config) ?? [];
        const found = find(objects, 'Service', service);
        const [first] = listAt(found, 'spec', 'ports');
        assert.deepEqual([name, namespace, Number(port)], [service, found.metadata.namespace, at(first, 'port')]);
      }
      const [container] = listAt(podOf(gateway), 'containers');
      const volumes = listAt(podOf(gateway), 'volumes');
      const files = [...config.matchAll(/\/(?:run|etc|var)\/[\w./-]+/g)].map(([path]) => path);
      assert.equal(files.length, 10);
      for (const path of files) {
        const mount = listAt(container, 'volumeMounts').find((one) => path.startsWith(textAt(one, 'mountPath')));
        const volume = volumes.find((one) => at(one, 'name') === at(mount, 'name'));
        const [source] = sourcesOf(volume);
        if (source === undefined) assert.equal(textAt(volume, 'name'), 'state');
        else
          assert.ok(
            madeByHand()
              .get(source)
              ?.has(path.slice(textAt(mount, 'mountPath').length + 1)),
            path,
          );
      }
    });
  });

test('the configuration for passthrough differs in what concerns addresses of clients alone', () => {
  const lines = (overlay: string): readonly string[] =>
    configOf(overlay)
      .split('\n')
      .filter((line) => !/^ *#/.test(line));
  const [usual, through] = [lines('overlays/openshift'), lines('overlays/openshift-passthrough')];
  assert.deepEqual(
    usual.filter((line) => !through.includes(line)),
    ['trusted_proxies: [10.128.0.0/14]'],
  );
  assert.deepEqual(
    through.filter((line) => !usual.includes(line)),
    ['trusted_proxies: []', 'limits: { connections_per_address: 20000 }'],
  );
  for (const route of ofKind(rendered('overlays/openshift-passthrough'), 'Route'))
    assert.deepEqual(at(route, 'spec', 'tls'), { termination: 'passthrough', insecureEdgeTerminationPolicy: 'None' });
});

test('routes that end TLS do not pass on what clients say of their address', () => {
  for (const route of ofKind(rendered('overlays/openshift'), 'Route')) {
    const { 'haproxy.router.openshift.io/set-forwarded-headers': policy } = labelsAt(route, 'metadata', 'annotations');
    assert.equal(policy, 'replace');
    assert.equal(textAt(route, 'spec', 'tls', 'termination'), 'reencrypt');
  }
});

test('components/autoscaling scales the gateway, and is the only one to say how many there are', () => {
  const objects = rendered('components/autoscaling', rendered('overlays/kubernetes'));
  const autoscaler = find(objects, 'HorizontalPodAutoscaler', 'cardea');
  assert.deepEqual(faultsOf(autoscaler), []);
  const deployment = find(objects, 'Deployment', textAt(autoscaler, 'spec', 'scaleTargetRef', 'name'));
  assert.deepEqual(faultsOf(deployment), []);
  assert.equal(at(deployment, 'spec', 'replicas'), undefined);
  assert.equal(
    at(autoscaler, 'spec', 'minReplicas'),
    at(find(rendered('base'), 'Deployment', 'cardea'), 'spec', 'replicas'),
  );
});

const kubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
for (const overlay of [...overlays, 'base'])
  test(`kubectl makes the same of ${overlay} as these tests`, { skip: !kubectl && 'there is no kubectl here' }, () => {
    const { stdout, stderr, status } = spawnSync('kubectl', ['kustomize', join(folder, overlay)], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const text = stdout.replaceAll(/\b((?:cardea|valkey)-config)-[a-z0-9]{10}\b/g, '$1');
    const sorted = (objects: readonly unknown[]): readonly unknown[] =>
      objects.toSorted((a, b) => key(a).localeCompare(key(b)));
    const key = (one: unknown): string =>
      `${textAt(one, 'kind')} ${textAt(one, 'metadata', 'name')} ${String(at(one, 'metadata', 'namespace'))}`;
    const theirs = parseAllDocuments(text).map((document) => document.toJS() as unknown);
    assert.deepEqual(sorted(theirs), sorted(rendered(overlay)));
  });

test('docs/kubernetes.md names every folder and every Secret', () => {
  const text = readFileSync(documentPath, 'utf8');
  for (const name of [...overlays, 'components/autoscaling']) assert.ok(text.includes(`\`${name}\``), name);
  const sources = workloadsOf(rendered('base')).flatMap((one) => listAt(podOf(one), 'volumes').flatMap(sourcesOf));
  const generated = ofKind(rendered('base'), 'ConfigMap').map(({ metadata }) => metadata.name);
  assert.deepEqual(new Set(madeByHand().keys()), new Set(sources.filter((name) => !generated.includes(name))));
});

suite('faultsOf()', () => {
  const deployment = (change: (copy: Record<string, unknown>) => void): readonly string[] => {
    const copy = structuredClone(find(rendered('base'), 'Deployment', 'cardea'));
    change(copy);
    return faultsOf(copy);
  };
  const spec = (copy: Record<string, unknown>): Record<string, unknown> => Object(copy['spec']);

  test('faultsOf() finds a field that is not there', () => {
    assert.deepEqual(
      deployment((copy) => (spec(copy)['replica'] = 3)),
      ['Deployment.spec.replica: unknown'],
    );
  });

  test('faultsOf() finds a value of another kind', () => {
    assert.deepEqual(
      deployment((copy) => (spec(copy)['replicas'] = '3')),
      ['Deployment.spec.replicas: not a number'],
    );
  });

  test('faultsOf() finds what is missing', () => {
    assert.deepEqual(
      deployment((copy) => delete spec(copy)['selector']),
      ['Deployment.spec.selector: missing'],
    );
  });

  test('faultsOf() finds a value that is not one of those', () => {
    const route = structuredClone(find(rendered('overlays/openshift'), 'Route', 'cardea-llm'));
    Object(at(route, 'spec', 'tls')).termination = 'rencrypt';
    assert.deepEqual(faultsOf(route), ['Route.spec.tls.termination: not one of the values that it may have']);
  });

  test('faultsOf() does not pass over a kind that it does not know', () => {
    assert.deepEqual(faultsOf({ apiVersion: 'v1', kind: 'Pot', metadata: { name: 'x' } }), [
      'v1 Pot: there is no schema for it',
    ]);
  });
});
