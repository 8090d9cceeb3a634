import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recode } from '../../test/message-codecs.ts';
import { type VectorName, vectors } from '../../test/message-vectors.ts';
import { DerError } from '../der.ts';
import { readApReq } from './ap-req.ts';
import { readAuthenticator } from './authenticator.ts';
import { readKrbError } from './krb-error.ts';
import { principalText } from './principal-name.ts';
import { readEncTicketPart } from './ticket.ts';

for (const name of Object.keys(vectors) as VectorName[]) {
  test(`${name} of MIT Kerberos is read and written back byte for byte`, () => {
    assert.deepEqual(Buffer.from(recode[name](vectors[name])), Buffer.from(vectors[name]));
  });

  test(`${name} followed by one more byte is refused`, () => {
    assert.throws(() => recode[name](Buffer.concat([vectors[name], Buffer.of(0)])), DerError);
  });

  test(`${name} with an unknown field at its end is refused`, () => {
    assert.throws(() => recode[name](withField(vectors[name])), DerError);
  });
}

/** Appends `[29] 00` to the innermost SEQUENCE, and corrects the lengths of all that contain it. */
function withField(bytes: Uint8Array): Uint8Array {
  const [tag = 0, first = 0] = bytes;
  const header = first < 0x80 ? 2 : 2 + (first & 0x7f);
  const body = bytes.subarray(header);
  const inner = tag === 0x30 ? Buffer.concat([body, Buffer.from('bd03020100', 'hex')]) : withField(body);
  const length = inner.length;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([tag, ...head, ...inner]);
}

test('readAuthenticator() gives the values of MIT’s reference authenticator', () => {
  const part = readAuthenticator(vectors.encode_krb5_authenticator);
  assert.equal(part.clientRealm, 'ATHENA.MIT.EDU');
  assert.equal(principalText(part.client), 'hftsai/extra');
  assert.equal(part.ctime, Date.UTC(1994, 5, 10, 6, 3, 17));
  assert.equal(part.cusec, 123_456);
  assert.equal(part.sequenceNumber, 17);
  assert.deepEqual([part.subkey?.etype, part.subkey?.value.length, part.checksum?.type], [1, 8, 1]);
  assert.equal(part.authorizationData?.length, 2);
});

test('readEncTicketPart() gives the values of MIT’s reference ticket', () => {
  const part = readEncTicketPart(vectors.encode_krb5_enc_tkt_part);
  assert.equal(Buffer.from(part.flags.bits).toString('hex'), 'fedcba98');
  assert.equal(Buffer.from(part.transited.contents).toString(), 'EDU,MIT.,ATHENA.,WASHINGTON.EDU,CS.');
  assert.equal(part.endTime, Date.UTC(1994, 5, 10, 6, 3, 17));
  assert.equal(part.addresses?.length, 2);
});

test('readEncTicketPart() leaves absent fields absent', () => {
  const { startTime, renewTill, addresses, authorizationData } = readEncTicketPart(
    vectors['encode_krb5_enc_tkt_part(optionals NULL)'],
  );
  assert.deepEqual([startTime, renewTill, addresses, authorizationData], [undefined, undefined, undefined, undefined]);
});

test('readKrbError() gives code, time and text', () => {
  const { errorCode, susec, text } = readKrbError(vectors.encode_krb5_error);
  assert.deepEqual({ errorCode, susec, text }, { errorCode: 60, susec: 123_456, text: 'krb5data' });
});

test('readApReq() refuses another protocol version', () => {
  const bytes = Uint8Array.from(vectors.encode_krb5_ap_req);
  bytes[10] = 4;
  assert.throws(() => readApReq(bytes), /pvno is 4, not 5/);
});

test('readApReq() refuses the message type of an AP-REP', () => {
  const bytes = Uint8Array.from(vectors.encode_krb5_ap_req);
  bytes[15] = 15;
  assert.throws(() => readApReq(bytes), /msg-type is 15, not 14/);
});
