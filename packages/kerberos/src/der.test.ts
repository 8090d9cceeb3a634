import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { application, context, DerError, DerReader, encodeTlv, Tag } from './der.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** Reads one element that may hold others, all the way down, and writes it again. */
function reencode(der: DerReader): Uint8Array {
  const tag = der.peek();
  if (tag === undefined) throw der.error('unexpected end of input');
  if ((tag & 0x20) === 0) return encodeTlv(tag, der.contents(tag));
  return der.enter(tag, (inner) => {
    const parts: Uint8Array[] = [];
    while (inner.peek() !== undefined) parts.push(reencode(inner));
    return encodeTlv(tag, ...parts);
  });
}

/** As `reencode`, but takes what follows the first child at every level as it stands. */
function reencodeFirst(der: DerReader): Uint8Array {
  const tag = der.peek();
  if (tag === undefined) throw der.error('unexpected end of input');
  if ((tag & 0x20) === 0) return encodeTlv(tag, der.contents(tag));
  return der.enter(tag, (inner) => {
    const first = inner.peek() === undefined ? new Uint8Array(0) : reencodeFirst(inner);
    return encodeTlv(tag, first, inner.rest());
  });
}

const refused = [
  ['nothing at all', '', 'unexpected end of input'],
  ['a tag without a length', '30', 'unexpected end of input'],
  ['a length that is cut off', '30 82 01', 'unexpected end of input'],
  ['contents that are cut off', '04 02 ca', 'element is longer than its container'],
  ['bytes after the end', '04 01 ca fe', 'unexpected trailing bytes'],
  ['bytes after the end, inside', '30 04 04 01 ca fe', 'unexpected end of input'],
  ['a child that outgrows its parent', '30 06 30 02 04 02 ca fe', 'element is longer than its container'],
  ['an indefinite length', '30 80 00 00', 'indefinite length is not DER'],
  ['the long form where the short one would do', '04 81 01 ca', 'length is not in shortest form'],
  ['a long form with a leading zero', `04 82 00 80 ${'00'.repeat(128)}`, 'length is not in shortest form'],
  ['a length of four bytes', '04 84 01 00 00 00', 'length above 16 MiB'],
  ['the reserved length ff', '04 ff', 'length above 16 MiB'],
  ['a tag of several bytes', '1f 81 01 00', 'tags of more than one byte are not used here'],
] as const;

for (const [what, bytes, message] of refused) {
  test(`DerReader refuses ${what}`, () => {
    assert.throws(
      () => DerReader.decode(hex(bytes), reencode),
      (error) => error instanceof DerError && error.message === `Cannot read DER at byte ${error.offset}: ${message}`,
    );
  });
}

test('DerReader refuses an unexpected tag, and says where', () => {
  assert.throws(() => DerReader.decode(hex('30 03 02 01 05'), (der) => der.enter(Tag.sequence, (v) => v.contents(4))), {
    name: 'DerError',
    message: 'Cannot read DER at byte 3: expected tag 0x4',
    offset: 3,
  });
});

test('DerReader.enter() refuses what its reader has left over', () => {
  assert.throws(() => DerReader.decode(hex('30 03 02 01 05'), (der) => der.enter(Tag.sequence, () => 0)), {
    message: 'Cannot read DER at byte 2: unexpected trailing bytes',
  });
});

test('DerReader.element() stays inside its parent', () => {
  assert.throws(
    () =>
      DerReader.decode(hex('30 06 30 02 04 02 ca fe'), (der) =>
        der.enter(0x30, (v) => v.enter(0x30, (w) => w.element())),
      ),
    { message: /element is longer than its container/ },
  );
});

test('DerReader.element() gives the next element with its header, and an error at the end', () => {
  const read = (der: DerReader): [Uint8Array, Uint8Array] => [der.element(), der.element()];
  assert.deepEqual(DerReader.decode(hex('04 01 ca 05 00'), read), [hex('04 01 ca'), hex('05 00')]);
  assert.throws(() => DerReader.decode(hex('04 01 ca'), read), { message: /unexpected end of input/ });
});

test('DerReader.optional() reads the field when it is next, and otherwise leaves it', () => {
  const read = (der: DerReader): unknown => [
    der.optional(context(0), (v) => v.contents(Tag.octetString)),
    der.optional(context(1), (v) => v.contents(Tag.octetString)),
    der.optional(context(2), (v) => v.contents(Tag.octetString)),
  ];
  assert.deepEqual(DerReader.decode(hex('a1 03 04 01 ca'), read), [undefined, hex('ca'), undefined]);
});

test('DerReader.peek() and rest() end where the element ends', () => {
  const inside = DerReader.decode(hex('30 02 ca fe'), (der) =>
    der.enter(Tag.sequence, (v) => [v.peek(), v.rest(), v.peek(), v.rest()]),
  );
  assert.deepEqual(inside, [0xca, hex('ca fe'), undefined, hex('')]);
});

test('application() and context() make the constructed tags of RFC 4120', () => {
  assert.deepEqual([application(14), context(2)], [0x6e, 0xa2]);
});

const boundaries = [
  [0, '04 00'],
  [0x7f, '04 7f'],
  [0x80, '04 81 80'],
  [0xff, '04 81 ff'],
  [0x100, '04 82 01 00'],
  [0xffff, '04 82 ff ff'],
  [0x10000, '04 83 01 00 00'],
] as const;

for (const [length, header] of boundaries) {
  test(`encodeTlv() writes the shortest length for ${length} bytes, and DerReader takes it`, () => {
    const contents = new Uint8Array(length).fill(0x5a);
    const bytes = encodeTlv(Tag.octetString, contents);
    assert.deepEqual(bytes.subarray(0, bytes.length - length), hex(header));
    assert.deepEqual(
      DerReader.decode(bytes, (der) => der.contents(Tag.octetString)),
      contents,
    );
  });
}

test('encodeTlv() refuses what its lengths cannot express', () => {
  assert.throws(() => encodeTlv(Tag.octetString, new Uint8Array(0x1000000)), RangeError);
});

/** An element, and how its header is to be spoilt. Only `plain` ones all the way down are DER. */
interface Node {
  readonly tag: number;
  readonly content: Uint8Array | readonly Node[];
  readonly header: 'plain' | 'padded' | 'longForm' | 'indefinite' | 'longer' | 'shorter';
}

/** Grammar-aware: a spoilt header is otherwise in its right place, so that only the check against it can notice. */
function write(node: Node): Uint8Array {
  const body = node.content instanceof Uint8Array ? node.content : Buffer.concat(node.content.map(write));
  const plain = encodeTlv(node.tag, body);
  const length = plain.subarray(1, plain.length - body.length);
  const lengthBytes = length.length === 1 ? length : length.subarray(1);
  const [first = 0] = plain.subarray(1);
  switch (node.header) {
    case 'plain':
      return plain;
    case 'padded':
      return Buffer.concat([Uint8Array.of(node.tag, 0x81 + lengthBytes.length, 0), lengthBytes, body]);
    case 'longForm':
      return Buffer.concat([Uint8Array.of(node.tag, 0x80 + lengthBytes.length), lengthBytes, body]);
    case 'indefinite':
      return Buffer.concat([Uint8Array.of(node.tag, 0x80), body, Uint8Array.of(0, 0)]);
    case 'longer':
      return Buffer.concat([Uint8Array.of(node.tag, first < 0x7d ? first + 2 : first), plain.subarray(2)]);
    case 'shorter':
      return Buffer.concat([Uint8Array.of(node.tag, first > 0 && first < 0x80 ? first - 1 : first), plain.subarray(2)]);
  }
}

const header = fc.oneof(
  { weight: 12, arbitrary: fc.constant('plain' as const) },
  { weight: 1, arbitrary: fc.constantFrom('padded', 'longForm', 'indefinite', 'longer', 'shorter') },
);
const leaf: fc.Arbitrary<Node> = fc.record({
  tag: fc.constantFrom(0x01, 0x02, 0x03, 0x04, 0x06, 0x0a, 0x18, 0x1b, 0x80, 0x85),
  content: fc.uint8Array({ maxLength: 200, size: 'max' }),
  header,
});
const { tree } = fc.letrec<{ tree: Node; branch: Node }>((tie) => ({
  branch: fc.record({
    tag: fc.constantFrom(0x30, 0x60, 0x61, 0x6e, 0xa0, 0xa1, 0xa2, 0xa3),
    content: fc.array(tie('tree'), { maxLength: 4, depthIdentifier: 'der' }),
    header,
  }),
  tree: fc.oneof({ maxDepth: 5, depthIdentifier: 'der' }, leaf, tie('branch')),
}));

const edit = fc.record({ at: fc.nat(), byte: fc.nat(255) });
const numRuns = Number(process.env['CARDEA_FUZZ_RUNS'] ?? 4000);

function acceptsOnlyWhatItWritesBack(bytes: Uint8Array): void {
  for (const walk of [reencode, reencodeFirst]) {
    let again: Uint8Array;
    try {
      again = DerReader.decode(bytes, walk);
    } catch (error) {
      assert.ok(error instanceof DerError, String(error));
      continue;
    }
    assert.deepEqual(again, Uint8Array.from(bytes));
  }
}

test('DerReader accepts only what encodes to the same bytes again (fuzz: spoilt headers)', () => {
  fc.assert(
    fc.property(tree, (node) => acceptsOnlyWhatItWritesBack(write(node))),
    { numRuns },
  );
});

test('DerReader accepts only what encodes to the same bytes again (fuzz: edited and truncated bytes)', () => {
  fc.assert(
    fc.property(tree, fc.array(edit, { maxLength: 3 }), fc.nat(), (node, edits, cut) => {
      const bytes = Uint8Array.from(write(node));
      for (const { at, byte } of edits) bytes[at % bytes.length] = byte;
      acceptsOnlyWhatItWritesBack(cut % 4 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes);
    }),
    { numRuns },
  );
});

test('DerReader accepts whatever encodeTlv() writes (fuzz)', () => {
  const plain = (node: Node): Node => ({
    ...node,
    header: 'plain',
    content: node.content instanceof Uint8Array ? node.content : node.content.map(plain),
  });
  fc.assert(
    fc.property(tree, (node) => {
      const bytes = Uint8Array.from(write(plain(node)));
      assert.deepEqual(DerReader.decode(bytes, reencode), bytes);
    }),
    { numRuns },
  );
});
