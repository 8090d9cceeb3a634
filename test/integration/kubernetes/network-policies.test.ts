/** NetworkPolicies of examples/kubernetes: who reaches whom, all pairs and all ports that there are. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Connection, isAllowed, type Party } from './network-policies.ts';
import { type Labels, listAt, type Manifest, overlays, rendered } from './objects.ts';

const pod = (name: string, ip: string, namespace: string, labels: Labels, namespaceLabels: Labels = {}): Party => ({
  name,
  ip,
  pod: { namespace, labels, namespaceLabels: { 'kubernetes.io/metadata.name': namespace, ...namespaceLabels } },
});
const named = (name: string): Labels => ({ 'app.kubernetes.io/name': name });

/** In every cluster: ours, and those who would like to be. */
const everywhere: readonly Party[] = [
  pod('gateway', '10.128.0.1', 'cardea', named('cardea')),
  pod('valkey', '10.128.0.2', 'cardea', named('valkey')),
  pod('llm', '10.128.0.3', 'llm', named('llm')),
  pod('neighbour of the gateway', '10.128.0.4', 'cardea', named('job')),
  pod('neighbour of the llm', '10.128.0.5', 'llm', named('notebook')),
  pod('false gateway beside the llm', '10.128.0.10', 'llm', named('cardea')),
  pod('impostor', '10.128.0.6', 'team', named('cardea')),
  pod('false valkey', '10.128.0.7', 'team', named('valkey')),
  pod('false llm', '10.128.0.8', 'team', named('llm')),
  pod('pod', '10.128.0.9', 'default', {}),
  { name: 'dc1', ip: '10.10.0.10' },
  { name: 'dc2', ip: '10.10.0.11' },
  { name: 'neighbour of dc1', ip: '10.10.0.12' },
  { name: 'desk', ip: '10.20.0.5' },
  { name: 'internet', ip: '203.0.113.9' },
];
const openshiftRouter: Labels = { 'policy-group.network.openshift.io/ingress': '' };
const openshift: readonly Party[] = [
  pod(
    'ingress',
    '10.129.0.1',
    'openshift-ingress',
    { 'ingresscontroller.operator.openshift.io/deployment-ingresscontroller': 'default' },
    openshiftRouter,
  ),
  pod('dns', '10.129.0.3', 'openshift-dns', { 'dns.operator.openshift.io/daemonset-dns': 'default' }),
  pod('monitoring', '10.129.0.4', 'openshift-user-workload-monitoring', named('prometheus')),
];
const parties: Readonly<Record<(typeof overlays)[number], readonly Party[]>> = {
  'overlays/kubernetes': [
    pod('ingress', '10.129.0.1', 'ingress-nginx', named('ingress-nginx')),
    pod('neighbour of the ingress', '10.129.0.2', 'ingress-nginx', named('default-backend')),
    pod('dns', '10.129.0.3', 'kube-system', { 'k8s-app': 'kube-dns' }),
    pod('monitoring', '10.129.0.4', 'monitoring', named('prometheus')),
  ],
  'overlays/openshift': openshift,
  'overlays/openshift-passthrough': openshift,
};
const ports = [53, 80, 88, 389, 443, 636, 3268, 3269, 5353, 6379, 8000, 8080, 8443, 9464];
const ours: ReadonlySet<string> = new Set([
  'gateway',
  'valkey',
  'llm',
  'neighbour of the gateway',
  'neighbour of the llm',
  'false gateway beside the llm',
]);

const policiesOf = (objects: readonly Manifest[]): readonly Manifest[] =>
  objects.filter(({ kind }) => kind === 'NetworkPolicy');

for (const overlay of overlays)
  suite(`NetworkPolicies of ${overlay}`, () => {
    const objects = rendered(overlay);
    const policies = policiesOf(objects);
    /** The policies as far as they speak of one direction. */
    const only = (type: string): readonly Manifest[] =>
      policies.map((policy) => ({
        ...policy,
        spec: {
          ...Object(policy['spec']),
          policyTypes: listAt(policy, 'spec', 'policyTypes').filter((one) => one === type),
        },
      }));
    const all = [...everywhere, ...parties[overlay]];
    const allowed = (found: (connection: Connection) => boolean, by = policies): readonly string[] =>
      all
        .flatMap((from) => all.map((to) => ({ from, to })))
        .filter(({ from, to }) => from !== to)
        .flatMap((pair) =>
          (['TCP', 'UDP'] as const).flatMap((protocol) => ports.map((port) => ({ ...pair, protocol, port }))),
        )
        .filter((connection) => isAllowed(by, connection) && found(connection))
        .map(({ from, to, protocol, port }) => `${from.name} > ${to.name} ${protocol} ${port}`);

    test('nothing gets to the gateway, to Valkey or to the LLM but what is named here', () => {
      assert.deepEqual(
        allowed(({ to }) => ours.has(to.name)),
        [
          'gateway > valkey TCP 6379',
          'gateway > llm TCP 8000',
          'ingress > gateway TCP 8443',
          'monitoring > gateway TCP 9464',
        ],
      );
    });

    test('the gateway gets to Valkey, the LLM, the domain controllers and DNS; Valkey gets to nobody', () => {
      const dns = overlay === 'overlays/kubernetes' ? 53 : 5353;
      assert.deepEqual(
        allowed(({ from }) => from.pod?.namespace === 'cardea'),
        [
          'gateway > valkey TCP 6379',
          'gateway > llm TCP 8000',
          'gateway > dc1 TCP 636',
          'gateway > dc2 TCP 636',
          `gateway > dns TCP ${dns}`,
          `gateway > dns UDP ${dns}`,
        ],
      );
    });

    test('the policies at each end suffice, without those at the other', () => {
      assert.deepEqual(
        allowed(({ to }) => to.name === 'llm' || to.name === 'valkey', only('Ingress')),
        ['gateway > valkey TCP 6379', 'gateway > llm TCP 8000'],
      );
      const ways = allowed(({ from }) => from.name === 'gateway', only('Egress'));
      assert.deepEqual(
        ways,
        allowed(({ from }) => from.name === 'gateway'),
      );
    });

    test('pods that are not ours are left alone', () => {
      const others = all.filter(({ name, pod: inside }) => inside !== undefined && !ours.has(name));
      const expected = others.length * (all.length - 1 - ours.size) * ports.length * 2;
      assert.equal(allowed(({ from, to }) => others.includes(from) && !ours.has(to.name)).length, expected);
    });

    test('the namespaces that they speak of have the names that they are selected by', () => {
      const namespaces = objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name);
      assert.deepEqual(namespaces.toSorted(), ['cardea', 'llm']);
      for (const policy of policies) assert.ok(namespaces.includes(policy.metadata.namespace ?? ''));
    });
  });

suite('isAllowed()', () => {
  const a = pod('a', '10.0.0.1', 'one', { role: 'a' });
  const b = pod('b', '10.0.0.2', 'one', { role: 'b' });
  const far = pod('far', '10.0.0.3', 'two', { role: 'a' });
  const policy = (spec: object): Manifest => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'p', namespace: 'one' },
    spec,
  });
  const reaches = (from: Party, to: Party, ...specs: readonly object[]): boolean =>
    isAllowed(specs.map(policy), { from, to, protocol: 'TCP', port: 80 });
  const ofB = { podSelector: { matchLabels: { role: 'b' } } };
  const fromA = { podSelector: { matchLabels: { role: 'a' } } };
  const everyTwo = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'two' } } };

  const cases: readonly (readonly [what: string, found: boolean, expected: boolean])[] = [
    ['a pod that no policy selects takes everything', reaches(a, b), true],
    ['a policy without rules takes nothing', reaches(a, b, { podSelector: {} }), false],
    ['a policy for Egress alone leaves Ingress open', reaches(b, a, { ...fromA, policyTypes: ['Egress'] }), true],
    ['an egress section without policyTypes counts', reaches(a, b, { ...fromA, egress: [] }), false],
    ['a rule without peers and ports takes all', reaches(far, b, { ...ofB, ingress: [{}] }), true],
    ['a pod selector means the own namespace', reaches(far, b, { ...ofB, ingress: [{ from: [fromA] }] }), false],
    [
      'one peer with both selectors needs both',
      reaches(a, b, { ...ofB, ingress: [{ from: [{ ...fromA, ...everyTwo }] }] }),
      false,
    ],
    ['two peers are alternatives', reaches(a, b, { ...ofB, ingress: [{ from: [fromA, everyTwo] }] }), true],
    ['another port is refused', reaches(a, b, { ...ofB, ingress: [{ ports: [{ port: 81 }] }] }), false],
    [
      'another protocol is refused',
      reaches(a, b, { ...ofB, ingress: [{ ports: [{ port: 80, protocol: 'UDP' }] }] }),
      false,
    ],
    [
      'policies add up',
      reaches(a, b, { podSelector: {} }, { ...ofB, ingress: [{ from: [fromA] }] }, { ...fromA, egress: [{}] }),
      true,
    ],
    ['both ends have to agree', reaches(a, b, { ...fromA, policyTypes: ['Egress'] }, { ...ofB, ingress: [{}] }), false],
    [
      'a block has its exceptions',
      reaches(a, b, { ...ofB, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/30'] } }] }] }),
      false,
    ],
    [
      'a block is a block',
      reaches(a, b, { ...ofB, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/30' } }] }] }),
      true,
    ],
  ];
  for (const [what, found, expected] of cases) test(`isAllowed(): ${what}`, () => assert.equal(found, expected));

  test('isAllowed() does not judge what it does not understand', () => {
    const spec = { podSelector: { matchExpressions: [] } };
    assert.throws(() => reaches(a, b, spec), /matchExpressions/);
  });
});
