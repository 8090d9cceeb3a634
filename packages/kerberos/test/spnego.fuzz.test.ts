/**
 * Fuzz tests of the SPNEGO readers: they throw nothing but their own errors, and what they accept
 * is written back byte for byte. The generator builds tokens from the grammar and breaks it in
 * the ways that naive damage rarely finds: padded lengths, wrong order, children that outgrow.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DerError } from '../src/der.ts';
import { encodeKrb5Token, GssError, readKrb5Token } from '../src/gss.ts';
import { MechOid } from '../src/numbers.ts';
import {
  encodeMechTypeList,
  encodeNegTokenInit,
  encodeNegTokenResp,
  readInitialToken,
  readNegTokenResp,
} from '../src/spnego.ts';
import { fuzzRuns, spoiled } from './mutate.ts';

type Defect = 'none' | 'padded length' | 'indefinite length' | 'too long' | 'too short';

/** An element with a chosen defect, over whatever bytes. */
function element(tag: number, contents: Uint8Array, defect: Defect): Uint8Array {
  const n = contents.length;
  if (defect === 'indefinite length') return Buffer.concat([Uint8Array.of(tag, 0x80), contents, Uint8Array.of(0, 0)]);
  const length = Math.max(0, n + (defect === 'too long' ? 1 : defect === 'too short' ? -1 : 0));
  const short = length < 0x80 && defect !== 'padded length';
  const head = short
    ? [length]
    : length < 0x100 && defect !== 'padded length'
      ? [0x81, length]
      : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...head), contents]);
}

/** One element in sixteen has a defect. */
const defect: fc.Arbitrary<Defect> = fc.oneof(
  { weight: 60, arbitrary: fc.constant<Defect>('none') },
  { weight: 4, arbitrary: fc.constantFrom<Defect[]>('padded length', 'indefinite length', 'too long', 'too short') },
);
const wrap = (tag: fc.Arbitrary<number>, contents: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc.tuple(tag, contents, defect).map((parts) => element(...parts));
const fixed = (tag: number, contents: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  wrap(fc.constant(tag), contents);
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const concat = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

const oidBytes = fc.oneof(
  fc
    .constantFrom('2a864886f712010202', '2a864882f712010202', '2b06010401823702020a', '2b0601050502', '2a8001', '2a86')
    .map((text) => Uint8Array.from(Buffer.from(text, 'hex'))),
  bytes(9),
);
const oid = fixed(0x06, oidBytes);
const octets = fixed(0x04, bytes(200));
const mechList = fixed(0x30, fc.array(oid, { maxLength: 5 }).map(concat));
const contents: readonly fc.Arbitrary<Uint8Array>[] = [
  mechList,
  fixed(0x03, bytes(4)),
  octets,
  fixed(0x30, bytes(8)),
  fixed(0x0a, fc.oneof(fc.constantFrom(Uint8Array.of(0), Uint8Array.of(3), Uint8Array.of(4)), bytes(2))),
  oid,
];
/** Fields mostly in order and of the right kind, sometimes neither. */
function fields(...right: readonly fc.Arbitrary<Uint8Array>[]): fc.Arbitrary<Uint8Array> {
  const proper = right.map((value, i) => fc.option(fixed(0xa0 + i, value), { nil: new Uint8Array() }));
  const stray = fc.oneof(
    { weight: 9, arbitrary: fc.constant(new Uint8Array()) },
    { weight: 1, arbitrary: wrap(fc.constantFrom(0xa0, 0xa3, 0xa4, 0xa6, 0xbe, 0xbf, 0x30), fc.oneof(...contents)) },
  );
  return fc.tuple(fc.tuple(...proper).map(concat), stray).map(concat);
}

const negTokenInit = fixed(
  0x60,
  fc
    .tuple(
      fc.constant(Buffer.from('06062b0601050502', 'hex')),
      fixed(
        0xa0,
        fixed(0x30, fields(mechList, fixed(0x03, bytes(3)), octets, fc.oneof(octets, fixed(0x30, bytes(4))), octets)),
      ),
    )
    .map(concat),
);
const negTokenResp = fixed(
  0xa1,
  fixed(
    0x30,
    fields(
      fixed(0x0a, fc.constantFrom(Uint8Array.of(0), Uint8Array.of(2), Uint8Array.of(5), Uint8Array.of(1, 0))),
      oid,
      octets,
      octets,
    ),
  ),
);

const goodInit = [
  encodeNegTokenInit({
    mechTypes: [MechOid.msKrb5, MechOid.krb5, MechOid.negoex, MechOid.ntlmssp],
    mechToken: new Uint8Array(300),
  }),
  encodeNegTokenInit({
    mechTypes: [MechOid.krb5],
    reqFlags: Uint8Array.of(1, 6),
    negHints: Uint8Array.of(),
    mechListMIC: Uint8Array.of(1),
  }),
  encodeKrb5Token(0x0100, new Uint8Array(20)),
];
const goodResp = [
  encodeNegTokenResp({
    negState: 'accept-incomplete',
    supportedMech: MechOid.krb5,
    responseToken: new Uint8Array(200),
  }),
  encodeNegTokenResp({ negState: 'reject', mechListMIC: Uint8Array.of(1, 2) }),
];

/** Reads; counts what was accepted, so that the test can tell that its generator reaches that far. */
function counted<T>(read: (input: Uint8Array) => T, check: (value: T, input: Uint8Array) => void) {
  let accepted = 0;
  return {
    run: (input: Uint8Array): void => {
      let value: T;
      try {
        value = read(input);
      } catch (error) {
        assert.ok(error instanceof DerError || error instanceof GssError, String(error));
        return;
      }
      accepted++;
      check(value, input);
    },
    accepted: () => accepted,
  };
}

const plain = (input: Uint8Array): Uint8Array => Uint8Array.from(input);

test('readInitialToken() accepts nothing that is not written back byte for byte', () => {
  const fuzz = counted(readInitialToken, (token, input) => {
    if (token.kind === 'krb5') {
      assert.deepEqual(token.token, input);
    } else if (token.kind === 'spnego') {
      assert.deepEqual(plain(encodeNegTokenInit(token)), plain(input));
      assert.deepEqual(plain(encodeMechTypeList(token.mechTypes)), plain(token.mechTypeListDer));
    }
  });
  const runs = fuzzRuns(6_000);
  fc.assert(fc.property(fc.oneof(negTokenInit, spoiled(goodInit)), fuzz.run), { numRuns: runs });
  assert.ok(fuzz.accepted() > runs / 20, `only ${fuzz.accepted()} of ${runs} were accepted`);
});

test('readNegTokenResp() accepts nothing that is not written back byte for byte', () => {
  const fuzz = counted(readNegTokenResp, (token, input) =>
    assert.deepEqual(plain(encodeNegTokenResp(token)), plain(input)),
  );
  const runs = fuzzRuns(6_000);
  fc.assert(fc.property(fc.oneof(negTokenResp, spoiled(goodResp)), fuzz.run), { numRuns: runs });
  assert.ok(fuzz.accepted() > runs / 20, `only ${fuzz.accepted()} of ${runs} were accepted`);
});

test('readKrb5Token() throws nothing but its own errors for the inside of a token', () => {
  const fuzz = counted(readKrb5Token, (token, input) =>
    assert.deepEqual(encodeKrb5Token(token.tokId, token.message, token.mech), plain(input)),
  );
  fc.assert(fc.property(fc.oneof(negTokenInit, spoiled(goodInit)), fuzz.run), { numRuns: fuzzRuns(2_000) });
});
