import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importKey } from './etypes.ts';
import { type MicContext, micToken, verifyMicToken } from './mic-token.ts';

const etypes = [
  [17, 16, 12],
  [18, 32, 12],
  [19, 16, 16],
  [20, 32, 24],
] as const;
const data = Buffer.from('300b06092a864886f712010202', 'hex');
const initiator: MicContext = { sentBy: 'initiator', acceptorSubkey: false, seq: 0x12345678 };

const keyOf = (etype: number, length: number, fill = 7) => importKey(etype, new Uint8Array(length).fill(fill));

test('verifyMicToken() accepts what MIT 1.20 made of "hello", and micToken() makes the same', () => {
  // gss_get_mic() of Debian's libgssapi_krb5, with the sub-key and sequence number of the authenticator before it.
  const subkey = importKey(18, Buffer.from('ed18aa241494afdff5550d7cba3bcceddb96fce8f91953bc2e3827f6de40b3ab', 'hex'));
  const mic = Buffer.from('040400ffffffffff0000000019fd272460873bddd5b10833cf12b485', 'hex');
  const context: MicContext = { ...initiator, seq: 436021028 };
  assert.equal(verifyMicToken(subkey, mic, Buffer.from('hello'), context), true);
  assert.deepEqual(Buffer.from(micToken(subkey, Buffer.from('hello'), context)), mic);
});

for (const [etype, keyLength, checksumLength] of etypes) {
  const key = keyOf(etype, keyLength);

  test(`micToken() lays out the token of RFC 4121, 4.2.6.1 with etype ${etype}`, () => {
    const token = Buffer.from(micToken(key, data, initiator));
    assert.equal(token.subarray(0, 16).toString('hex'), '040400ffffffffff0000000012345678');
    assert.equal(token.length, 16 + checksumLength);
    // RFC 4121, 2 and 4.2.4: KG-USAGE-INITIATOR-SIGN is 25, and the header comes after the data.
    assert.deepEqual(token.subarray(16), Buffer.from(key.checksum(25, Buffer.concat([data, token.subarray(0, 16)]))));
  });

  test(`micToken() of the acceptor has usage 23 and both flags with etype ${etype}`, () => {
    const token = Buffer.from(micToken(key, data, { sentBy: 'acceptor', acceptorSubkey: true, seq: 1 }));
    assert.equal(token.subarray(0, 16).toString('hex'), '040405ffffffffff0000000000000001');
    assert.deepEqual(token.subarray(16), Buffer.from(key.checksum(23, Buffer.concat([data, token.subarray(0, 16)]))));
  });

  test(`verifyMicToken() accepts no token with one byte altered with etype ${etype}`, () => {
    const token = micToken(key, data, initiator);
    assert.equal(verifyMicToken(key, token, data, initiator), true);
    for (const at of token.keys()) {
      assert.equal(verifyMicToken(key, token.with(at, (token[at] ?? 0) ^ 1), data, initiator), false, `byte ${at}`);
    }
  });
}

const key = keyOf(18, 32);
const token = micToken(key, data, initiator);
const refusals: readonly (readonly [string, () => boolean])[] = [
  ['a token that was reflected', () => verifyMicToken(key, token, data, { ...initiator, sentBy: 'acceptor' })],
  ['another sequence number', () => verifyMicToken(key, token, data, { ...initiator, seq: 1 })],
  [
    'a flag for a sub-key that was not used',
    () => verifyMicToken(key, token, data, { ...initiator, acceptorSubkey: true }),
  ],
  ['other data', () => verifyMicToken(key, token, data.subarray(1), initiator)],
  ['another key', () => verifyMicToken(keyOf(18, 32, 8), token, data, initiator)],
  ['a token that is cut short', () => verifyMicToken(key, token.subarray(0, 20), data, initiator)],
  ['an empty token', () => verifyMicToken(key, new Uint8Array(), data, initiator)],
  ['a longer token', () => verifyMicToken(key, Buffer.concat([token, Uint8Array.of(0)]), data, initiator)],
  ['every token of an RC4 key', () => verifyMicToken(keyOf(23, 16), token, data, initiator)],
];

for (const [name, verify] of refusals) {
  test(`verifyMicToken() refuses ${name}`, () => assert.equal(verify(), false));
}

test('micToken() throws for an RC4 key', () => {
  assert.throws(() => micToken(keyOf(23, 16), data, initiator), RangeError);
});
