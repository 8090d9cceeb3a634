/**
 * Ways to spoil tokens, quick enough for hundreds of thousands: bytes at random, and the grammar on purpose.
 *
 * @module
 */

import { allNodes, type DerNode, parseTree, writeTree } from './der-tree.ts';

/** A stream of numbers that depends on its seed alone (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * limit);
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('Cannot pick: nothing there');
    return item;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

type ByteMutation = (random: Random, bytes: Uint8Array, others: readonly Uint8Array[]) => Uint8Array;

const telling = [0x00, 0x01, 0x02, 0x04, 0x06, 0x1b, 0x30, 0x60, 0x6e, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xa1, 0xff];

const change = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[at] = value;
  return copy;
};

const byteMutations: readonly ByteMutation[] = [
  function flipBit(random, bytes) {
    const at = random.below(bytes.length);
    return change(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)));
  },
  // The first 200 bytes are nearly all structure: tags, lengths, names.
  function flipBitInHead(random, bytes) {
    const at = random.below(Math.min(bytes.length, 200));
    return change(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)));
  },
  (random, bytes) => change(bytes, random.below(bytes.length), random.pick(telling)),
  (random, bytes) => change(bytes, random.below(bytes.length), random.below(256)),
  (random, bytes) => bytes.subarray(0, random.below(bytes.length + 1)),
  (random, bytes) => bytes.subarray(random.below(bytes.length)),
  (random, bytes) => Buffer.concat([bytes, random.bytes(1 + random.below(8))]),
  function removeSome(random, bytes) {
    const at = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(16))]);
  },
  function insertSome(random, bytes) {
    const at = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(16)), bytes.subarray(at)]);
  },
  function splice(random, bytes, others) {
    const other = random.pick(others);
    const at = random.below(Math.min(bytes.length, other.length));
    return Buffer.concat([bytes.subarray(0, at), other.subarray(at)]);
  },
  function copyOver(random, bytes, others) {
    const other = random.pick(others);
    const from = random.below(other.length);
    const piece = other.subarray(from, from + 1 + random.below(64));
    const at = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + piece.length)]);
  },
];

/** One to three byte-wise mutations. */
export function mutateBytes(random: Random, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  let mutated = bytes;
  for (let rounds = 1 + random.below(10) / 4; rounds >= 1 && mutated.length > 0; rounds--)
    mutated = random.pick(byteMutations)(random, mutated, others);
  return mutated;
}

type TreeMutation = (random: Random, node: DerNode, nodes: readonly DerNode[], others: readonly DerNode[]) => void;

const siblings = (random: Random, nodes: readonly DerNode[]): DerNode[] =>
  random.pick(nodes.filter((node) => node.children !== undefined && node.children.length > 0)).children ?? [];

const treeMutations: readonly TreeMutation[] = [
  function remove(random, _, nodes) {
    const list = siblings(random, nodes);
    list.splice(random.below(list.length), 1);
  },
  function double(random, _, nodes) {
    const list = siblings(random, nodes);
    const at = random.below(list.length);
    list.splice(at, 0, structuredClone(random.pick(list)));
  },
  function exchange(random, _, nodes) {
    const list = siblings(random, nodes);
    list.push(...list.splice(random.below(list.length), 1));
  },
  function graft(random, node, _, others) {
    const other = structuredClone(random.pick(others));
    Object.assign(node, other);
  },
  function graftAlike(random, node, _, others) {
    const alike = others.filter((other) => other.tag === node.tag);
    if (alike.length > 0) Object.assign(node, structuredClone(random.pick(alike)));
  },
  (random, node) => {
    node.tag = node.tag === undefined ? undefined : (node.tag + 1 + random.below(255)) & 0xff;
  },
  (random, node) => {
    node.length = random.pick(['long', 'longer', 'indefinite', 1, -1, 2, 127, 65_536]);
  },
  (random, node) => {
    node.children = undefined;
    node.bytes = random.pick([new Uint8Array(0), random.bytes(1 + random.below(24)), new Uint8Array(5).fill(0xff)]);
  },
  function edit(random, _, nodes) {
    const node = random.pick(nodes.filter((n) => n.children === undefined && n.bytes.length > 0));
    node.bytes = change(node.bytes, random.below(node.bytes.length), random.pick(telling));
  },
  function grow(random, node) {
    const field = { tag: 0xa0 | random.below(16), children: undefined, bytes: Uint8Array.of(2, 1, random.below(256)) };
    node.children?.push(field);
  },
  function nest(random, node) {
    let inner: DerNode = { ...node };
    for (let depth = 1 + random.below(40); depth > 0; depth--)
      inner = { tag: 0x30, children: [inner], bytes: inner.bytes };
    Object.assign(node, inner);
  },
];

/** One or two mutations of the grammar. */
export function mutateTree(random: Random, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const root = parseTree(bytes);
  const donors = allNodes(parseTree(random.pick(others)));
  for (let rounds = 1 + random.below(2); rounds > 0; rounds--) {
    const nodes = allNodes(root).filter((node) => node.tag !== undefined);
    const usable = nodes.some((node) => node.children !== undefined && node.children.length > 0);
    const leaves = nodes.some((node) => node.children === undefined && node.bytes.length > 0);
    if (usable && leaves) random.pick(treeMutations)(random, random.pick(nodes), nodes, donors);
  }
  return writeTree(root);
}
