import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fuzzRuns, spoiled } from '../test/mutate.ts';
import { DerError } from './der.ts';
import { encodeInitialContextToken, encodeKrb5Token, GssError, isKrb5Mech, readKrb5Token, TokId } from './gss.ts';
import { MechOid } from './numbers.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const token = hex('600f 0609 2a864886f712010202 0100 6e00');

test('readKrb5Token() finds token identifier and message behind the mechanism', () => {
  assert.deepEqual(readKrb5Token(token), { tokId: TokId.apReq, message: hex('6e00'), mech: MechOid.krb5 });
});

test('readKrb5Token() takes the OID of Windows 2000 as well and says so', () => {
  assert.equal(readKrb5Token(hex('600d 0609 2a864882f712010202 0100')).mech, MechOid.msKrb5);
});

test('encodeKrb5Token() writes what readKrb5Token() reads', () => {
  assert.deepEqual(encodeKrb5Token(TokId.apReq, hex('6e00')), token);
  assert.deepEqual(readKrb5Token(encodeKrb5Token(TokId.krbError, hex('7e00'), MechOid.msKrb5)), {
    tokId: 0x0300,
    message: hex('7e00'),
    mech: MechOid.msKrb5,
  });
});

test('readKrb5Token() refuses user-to-user and other mechanisms as unsupported', () => {
  for (const mech of [MechOid.krb5UserToUser, MechOid.spnego, MechOid.ntlmssp]) {
    assert.throws(
      () => readKrb5Token(encodeInitialContextToken(mech, hex('0100'))),
      (error) => error instanceof GssError && error.code === 'mechanism-unsupported',
    );
  }
});

const bad = [
  ['nothing', ''],
  ['another outer tag', '610f 0609 2a864886f712010202 0100 6e00'],
  ['a length in long form', '60810f 0609 2a864886f712010202 0100 6e00'],
  ['trailing bytes', '600f 0609 2a864886f712010202 0100 6e00 00'],
  ['half a token identifier', '600c 0609 2a864886f712010202 01'],
  ['an OID that outgrows the frame', '600b 060a 2a864886f712010202'],
] as const;

for (const [name, bytes] of bad) {
  test(`readKrb5Token() refuses ${name}`, () => assert.throws(() => readKrb5Token(hex(bytes)), DerError));
}

test('isKrb5Mech() knows both OIDs and no other', () => {
  const names = Object.entries(MechOid).flatMap(([name, oid]) => (isKrb5Mech(oid) ? [name] : []));
  assert.deepEqual(names, ['krb5', 'msKrb5']);
});

test('readKrb5Token() accepts nothing that encodeKrb5Token() does not write back', () => {
  const long = encodeKrb5Token(TokId.apReq, new Uint8Array(300).fill(0x30));
  fc.assert(
    fc.property(spoiled([token, long]), (bytes) => {
      let read: ReturnType<typeof readKrb5Token>;
      try {
        read = readKrb5Token(bytes);
      } catch (error) {
        assert.ok(error instanceof DerError || error instanceof GssError);
        return;
      }
      assert.deepEqual(encodeKrb5Token(read.tokId, read.message, read.mech), bytes);
    }),
    { numRuns: fuzzRuns(3_000) },
  );
});
