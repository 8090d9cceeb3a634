/**
 * Messages as trees, for fuzz tests that bend the grammar: nodes can be removed, doubled, exchanged or given a wrong
 * length, and everything around them is written with lengths that fit again.
 *
 * @module
 */

/** One element, or bytes between elements (`tag` undefined). */
export interface DerNode {
  tag: number | undefined;
  /** Elements inside; `undefined` for an element whose contents are bytes. */
  children: DerNode[] | undefined;
  bytes: Uint8Array;
  /** How its length is written when that is not the true, shortest form. */
  length?: 'long' | 'longer' | 'indefinite' | number;
}

interface Element {
  readonly tag: number;
  readonly contents: Uint8Array;
  readonly end: number;
}

/** The element at `at`, or `undefined` when there is no well-formed one. */
function elementAt(bytes: Uint8Array, at: number): Element | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || first === 0x80) return undefined;
  const size = first < 0x80 ? 0 : first & 0x7f;
  let length = size === 0 ? first : 0;
  for (let i = 0; i < size; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0);
  const start = at + 2 + size;
  const end = start + length;
  return end <= bytes.length ? { tag, contents: bytes.subarray(start, end), end } : undefined;
}

/** The nodes that fill `bytes`, or `undefined` when elements do not fill them. */
function parseAll(bytes: Uint8Array): DerNode[] | undefined {
  const nodes: DerNode[] = [];
  for (let at = 0; at < bytes.length; ) {
    const element = elementAt(bytes, at);
    if (element === undefined) return undefined;
    nodes.push(parseElement(element));
    at = element.end;
  }
  return nodes;
}

const leaf = (tag: number | undefined, bytes: Uint8Array): DerNode => ({ tag, children: undefined, bytes });

function parseElement({ tag, contents }: Element): DerNode {
  const children = tag === 0x60 ? parseGssFrame(contents) : (tag & 0x20) !== 0 ? parseAll(contents) : undefined;
  if (children !== undefined) return { tag, children, bytes: contents };
  // A token in an OCTET STRING: the Kerberos token of SPNEGO.
  const inner = tag === 0x04 && contents[0] === 0x60 ? parseAll(contents) : undefined;
  return inner === undefined ? leaf(tag, contents) : { tag, children: inner, bytes: contents };
}

/** The mechanism, for Kerberos the two bytes of the token identifier, and what follows (RFC 2743, 3.1; RFC 4121, 4.1). */
function parseGssFrame(contents: Uint8Array): DerNode[] | undefined {
  const mech = elementAt(contents, 0);
  if (mech === undefined || mech.tag !== 0x06) return undefined;
  const isSpnego = contents[mech.end] === 0xa0;
  const start = isSpnego ? mech.end : mech.end + 2;
  const rest = parseAll(contents.subarray(start));
  const tokId = isSpnego ? [] : [leaf(undefined, contents.subarray(mech.end, start))];
  return rest && [leaf(0x06, mech.contents), ...tokId, ...rest];
}

/** Parses a message that is known to be well-formed. */
export function parseTree(bytes: Uint8Array): DerNode {
  const element = elementAt(bytes, 0);
  if (element === undefined) throw new RangeError('Cannot parse tree: not one element');
  return parseElement(element);
}

/** Writes a tree; without bent lengths, the inverse of `parseTree`. */
export function writeTree(node: DerNode): Uint8Array {
  const contents = node.children === undefined ? node.bytes : Buffer.concat(node.children.map(writeTree));
  if (node.tag === undefined) return contents;
  return Buffer.concat([Buffer.from([node.tag, ...writeLength(contents.length, node.length)]), contents]);
}

function writeLength(length: number, form: DerNode['length']): readonly number[] {
  if (form === 'indefinite') return [0x80];
  const claimed = typeof form === 'number' ? Math.max(0, length + form) : length;
  const bytes = [(claimed >> 16) & 0xff, (claimed >> 8) & 0xff, claimed & 0xff];
  if (form === 'longer') return [0x84, 0, ...bytes];
  if (form === 'long') return [0x83, ...bytes];
  while (bytes.length > 1 && bytes[0] === 0) bytes.shift();
  return claimed < 0x80 ? [claimed] : [0x80 | bytes.length, ...bytes];
}

/** Every node of the tree, parents before their children. */
export function allNodes(root: DerNode): DerNode[] {
  const nodes: DerNode[] = [];
  const visit = (node: DerNode): void => {
    nodes.push(node);
    node.children?.forEach(visit);
  };
  visit(root);
  return nodes;
}
