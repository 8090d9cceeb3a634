/**
 * Who may connect to whom, by the rules of NetworkPolicy (networking.k8s.io/v1): a pod that no policy selects in a direction is
 * open in it; one that is selected takes what any of its policies allows; both ends have to agree.
 *
 * @module
 */
import { BlockList, isIPv6 } from 'node:net';
import { at, isRecord, labelsAt, type Labels, listAt, type Manifest, textAt } from './objects.ts';

/** A pod; or, without `pod`, a machine outside, which no policy holds back. */
export interface Party {
  readonly name: string;
  readonly ip: string;
  readonly pod?: { readonly namespace: string; readonly namespaceLabels: Labels; readonly labels: Labels };
}

export interface Connection {
  readonly from: Party;
  readonly to: Party;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
}

/** Whether these policies let a connection through. */
export function isAllowed(policies: readonly Manifest[], connection: Connection): boolean {
  const { from, to } = connection;
  return (
    passes(policies, connection, from, to, { type: 'Egress', rules: 'egress', peers: 'to' }) &&
    passes(policies, connection, to, from, { type: 'Ingress', rules: 'ingress', peers: 'from' })
  );
}

interface Direction {
  readonly type: 'Egress' | 'Ingress';
  readonly rules: 'egress' | 'ingress';
  readonly peers: 'to' | 'from';
}

function passes(
  policies: readonly Manifest[],
  connection: Connection,
  own: Party,
  other: Party,
  direction: Direction,
): boolean {
  const { pod } = own;
  if (pod === undefined) return true;
  const selecting = policies.filter(
    (policy) =>
      textAt(policy, 'metadata', 'namespace') === pod.namespace &&
      typesOf(policy).includes(direction.type) &&
      selects(at(policy, 'spec', 'podSelector'), pod.labels),
  );
  if (selecting.length === 0) return true;
  return selecting.some((policy) =>
    listAt(policy, 'spec', direction.rules).some(
      (rule) =>
        portFits(listAt(rule, 'ports'), connection) &&
        peerFits(listAt(rule, direction.peers), other, textAt(policy, 'metadata', 'namespace')),
    ),
  );
}

/** Without `policyTypes`: Ingress, and Egress where there are rules for it. */
function typesOf(policy: Manifest): readonly unknown[] {
  const types = at(policy, 'spec', 'policyTypes');
  if (Array.isArray(types)) return types;
  return at(policy, 'spec', 'egress') === undefined ? ['Ingress'] : ['Ingress', 'Egress'];
}

function selects(selector: unknown, labels: Labels): boolean {
  only(selector, ['matchLabels']);
  return Object.entries(labelsAt(selector, 'matchLabels')).every(([name, value]) => labels[name] === value);
}

function portFits(ports: readonly unknown[], { protocol, port }: Connection): boolean {
  if (ports.length === 0) return true;
  return ports.some((one) => {
    only(one, ['protocol', 'port']);
    if (typeof at(one, 'port') === 'string') throw new TypeError('Cannot judge a port by its name');
    return (at(one, 'protocol') ?? 'TCP') === protocol && (at(one, 'port') ?? port) === port;
  });
}

function peerFits(peers: readonly unknown[], { ip, pod }: Party, namespace: string): boolean {
  if (peers.length === 0) return true;
  return peers.some((peer) => {
    only(peer, ['podSelector', 'namespaceSelector', 'ipBlock']);
    // Meant for machines outside. Whether it holds for pods differs; here it does, for it opens more.
    if (at(peer, 'ipBlock') !== undefined) return inBlock(at(peer, 'ipBlock'), ip);
    if (pod === undefined) return false;
    const namespaces = at(peer, 'namespaceSelector');
    const there = namespaces === undefined ? pod.namespace === namespace : selects(namespaces, pod.namespaceLabels);
    const pods = at(peer, 'podSelector');
    return there && (pods === undefined || selects(pods, pod.labels));
  });
}

function inBlock(block: unknown, ip: string): boolean {
  only(block, ['cidr', 'except']);
  const contains = (cidr: unknown): boolean => {
    const [network = '', bits] = String(cidr).split('/');
    const list = new BlockList();
    list.addSubnet(network, Number(bits), isIPv6(network) ? 'ipv6' : 'ipv4');
    return list.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4');
  };
  return contains(at(block, 'cidr')) && !listAt(block, 'except').some(contains);
}

/** What is not understood here is not judged. */
function only(value: unknown, keys: readonly string[]): void {
  for (const key of Object.keys(isRecord(value) ? value : {}))
    if (!keys.includes(key)) throw new TypeError(`Cannot judge a NetworkPolicy with ${key}`);
}
