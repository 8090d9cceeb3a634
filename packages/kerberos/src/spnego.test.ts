import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DerError } from './der.ts';
import { encodeInitialContextToken, encodeKrb5Token, GssError, readKrb5Token } from './gss.ts';
import { MechOid } from './numbers.ts';
import {
  encodeMechTypeList,
  encodeNegTokenInit,
  encodeNegTokenResp,
  type InitialToken,
  isNegTokenResp,
  mechListMicRequired,
  type NegTokenInit,
  readInitialToken,
  readNegTokenResp,
} from './spnego.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const { krb5, msKrb5, ntlmssp, negoex } = MechOid;

function spnego(bytes: Uint8Array): Extract<InitialToken, { kind: 'spnego' }> {
  const token = readInitialToken(bytes);
  assert.ok(token.kind === 'spnego');
  return token;
}

/** A NegTokenInit of these fields, framed: for field orders and contents that the encoder cannot write. */
function framed(fields: string): Uint8Array {
  const length = (text: string): string => (text.length / 2).toString(16).padStart(2, '0');
  const sequence = `30${length(fields)}${fields}`;
  return encodeInitialContextToken(MechOid.spnego, hex(`a0${length(sequence)}${sequence}`));
}

const krb5List = 'a00d300b06092a864886f712010202';

test('readInitialToken() reads the mechanism list that Windows sends, in its order', () => {
  const token = spnego(
    framed(
      `a030302e 06092a864882f712010202 06092a864886f712010202
      060a2b06010401823702021e 060a2b06010401823702020a`.replaceAll(/\s/g, ''),
    ),
  );
  assert.deepEqual(token.mechTypes, [msKrb5, krb5, negoex, ntlmssp]);
});

test('readInitialToken() keeps the bytes that a MIC covers, without the tag [0] (RFC 4178, appendix D)', () => {
  const { mechTypeListDer } = spnego(framed(krb5List));
  assert.equal(Buffer.from(mechTypeListDer).toString('hex'), '300b06092a864886f712010202');
  assert.deepEqual(encodeMechTypeList([krb5]), hex('300b06092a864886f712010202'));
});

test("readInitialToken() reads Microsoft's NegTokenInit2 with its hint (MS-SPNG 2.2.1)", () => {
  // What a Windows server says of itself over SMB; "not_defined_in_RFC4178@please_ignore".
  const bytes = hex(`604806062b0601050502a03e303ca00e300c060a2b06010401823702020aa32a3028a0261b246e6f745f646566
    696e65645f696e5f5246433431373840706c656173655f69676e6f7265`);
  const token = spnego(bytes);
  assert.deepEqual(token.mechTypes, [ntlmssp]);
  assert.match(Buffer.from(token.negHints ?? []).toString('latin1'), /not_defined_in_RFC4178@please_ignore$/);
  assert.equal(token.mechListMIC, undefined);
  assert.deepEqual(encodeNegTokenInit(token), bytes);
});

test('readInitialToken() takes [3] for the MIC of the RFC when an OCTET STRING is in it', () => {
  assert.deepEqual(spnego(framed(`${krb5List}a3040402beef`)).mechListMIC, hex('beef'));
});

test('readInitialToken() takes [4] for the MIC when [3] is a hint', () => {
  const token = spnego(framed(`${krb5List}a3023000a4040402beef`));
  assert.deepEqual([token.negHints, token.mechListMIC], [hex(''), hex('beef')]);
});

test('readInitialToken() accepts reqFlags with the trailing zero bits cut off (RFC 4178, 4.2.1)', () => {
  assert.deepEqual(spnego(framed(`${krb5List}a10403020106`)).reqFlags, hex('0106'));
  assert.deepEqual(spnego(framed(`${krb5List}a103030100`)).reqFlags, hex('00'));
});

test('readInitialToken() ignores fields that a later standard may add (RFC 4178, 6)', () => {
  assert.deepEqual(spnego(framed(`${krb5List}a5020500a603020101`)).unknownFields, hex('a5020500a603020101'));
});

test('readInitialToken() takes [4] without a hint for a field of the future, not for a MIC', () => {
  const { unknownFields, mechListMIC } = spnego(framed(`${krb5List}a4040402beef`));
  assert.deepEqual([unknownFields, mechListMIC], [hex('a4040402beef'), undefined]);
});

test('readInitialToken() keeps mechanisms that it does not know', () => {
  assert.deepEqual(spnego(encodeNegTokenInit({ mechTypes: ['1.2.3', krb5] })).mechTypes, ['1.2.3', krb5]);
});

test('readInitialToken() knows Kerberos without SPNEGO and hands it on whole', () => {
  for (const mech of [krb5, msKrb5]) {
    const bytes = encodeKrb5Token(0x0100, hex('6e00'), mech);
    const token = readInitialToken(bytes);
    assert.ok(token.kind === 'krb5');
    assert.deepEqual(readKrb5Token(token.token), { tokId: 0x0100, message: hex('6e00'), mech });
  }
});

test('readInitialToken() knows NTLM without SPNEGO', () => {
  assert.deepEqual(readInitialToken(Buffer.from('NTLMSSP\0\x01\0\0\0', 'latin1')), { kind: 'ntlm' });
});

test('readInitialToken() calls another mechanism unsupported, not malformed', () => {
  assert.throws(
    () => readInitialToken(encodeInitialContextToken('1.3.6.1.5.2.5', hex('00'))),
    (error) => error instanceof GssError && error.code === 'mechanism-unsupported',
  );
});

test('readInitialToken() reads 32 mechanisms and refuses 33', () => {
  const many = (n: number) => encodeNegTokenInit({ mechTypes: Array.from({ length: n }, (_, i) => `1.2.${i}`) });
  assert.equal(spnego(many(32)).mechTypes.length, 32);
  assert.throws(() => readInitialToken(many(33)), GssError);
});

const badInitial: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', hex('')],
  ['half of the NTLM signature', Buffer.from('NTLMSSP', 'latin1')],
  ['a bare NegTokenInit', hex(`a00f300d${krb5List}`)],
  ['a NegTokenResp in a frame', encodeInitialContextToken(MechOid.spnego, hex('a1073005a0030a0102'))],
  ['an empty frame', encodeInitialContextToken(MechOid.spnego, hex(''))],
  ['no field at all', framed('')],
  ['no mechanism list', framed('a2040402beef')],
  ['an empty mechanism list', framed('a0023000')],
  ['an OID that is not in shortest form', framed('a0073005060380482a')],
  ['fields out of order', framed(`${krb5List}a3040402beefa2040402beef`)],
  ['a field twice', framed(`${krb5List}a2040402beefa2040402beef`)],
  ['[4] without a hint in [3], and then [4] again', framed(`${krb5List}a4020500a4020500`)],
  ['a field that is no context tag', framed(`${krb5List}0402beef`)],
  ['a field whose tag has several bytes', framed(`${krb5List}bf81010100`)],
  ['reqFlags with more than seven unused bits', framed(`${krb5List}a10403020800`)],
  ['reqFlags with set padding', framed(`${krb5List}a10403020107`)],
  ['reqFlags without contents', framed(`${krb5List}a1020300`)],
  ['reqFlags of unused bits only', framed(`${krb5List}a103030107`)],
  ['trailing bytes in a field', framed(`${krb5List}a2060402beef0500`)],
  ['trailing bytes behind the frame', Buffer.concat([framed(krb5List), hex('00')])],
];

for (const [name, bytes] of badInitial) {
  test(`readInitialToken() refuses ${name}`, () => {
    assert.throws(
      () => readInitialToken(bytes),
      (error) => error instanceof DerError || (error instanceof GssError && error.code === 'token-malformed'),
    );
  });
}

test('encodeNegTokenInit() writes what readInitialToken() reads, with every field', () => {
  const token: NegTokenInit = {
    mechTypes: [negoex, krb5],
    reqFlags: hex('0106'),
    mechToken: hex('aa'),
    negHints: hex('a0021b00'),
    mechListMIC: hex('bb'),
    unknownFields: hex('a5020500'),
  };
  const { kind, mechTypeListDer, ...read } = spnego(encodeNegTokenInit(token));
  assert.deepEqual(read, token);
  assert.deepEqual({ kind, mechTypeListDer }, { kind: 'spnego', mechTypeListDer: encodeMechTypeList(token.mechTypes) });
});

const responses = [
  [
    'the accept-completed of MIT',
    'a1143012a0030a0100a10b06092a864886f712010202',
    { negState: 'accept-completed', supportedMech: krb5 },
  ],
  [
    'accept-incomplete with a token',
    'a10d300ba0030a0101a2040402beef',
    { negState: 'accept-incomplete', responseToken: hex('beef') },
  ],
  ['reject', 'a1073005a0030a0102', { negState: 'reject' }],
  ['request-mic', 'a1073005a0030a0103', { negState: 'request-mic' }],
  ['a later leg without state', 'a10a3008a2020400a3020400', { responseToken: hex(''), mechListMIC: hex('') }],
  ['an empty one', 'a1023000', {}],
  [
    'one with an unknown field',
    'a10b3009a0030a0100a5020500',
    { negState: 'accept-completed', unknownFields: hex('a5020500') },
  ],
] as const;

for (const [name, bytes, token] of responses) {
  test(`readNegTokenResp() reads ${name}`, () => {
    assert.deepEqual({ ...readNegTokenResp(hex(bytes)) }, token);
    assert.equal(isNegTokenResp(hex(bytes)), true);
  });
  test(`encodeNegTokenResp() writes ${name}`, () => assert.deepEqual(encodeNegTokenResp(token), hex(bytes)));
}

const badResponses = [
  ['nothing', ''],
  ['a NegTokenInit', `a00f300d${krb5List}`],
  ['a fifth state', 'a1073005a0030a0104'],
  ['a state of two bytes', 'a1083006a0040a020000'],
  ['a state without contents', 'a1063004a0020a00'],
  ['fields out of order', 'a10a3008a3020400a2020400'],
  ['a field twice', 'a10a3008a3020400a3020400'],
  ['trailing bytes', 'a1073005a0030a010200'],
] as const;

for (const [name, bytes] of badResponses) {
  test(`readNegTokenResp() refuses ${name}`, () => assert.throws(() => readNegTokenResp(hex(bytes)), DerError));
}

const micRules = [
  ['the favourite was chosen', [krb5, ntlmssp], krb5, false],
  ['the favourite was chosen by its Windows name', [msKrb5, krb5, ntlmssp], msKrb5, false],
  ['the other name of the favourite was chosen', [msKrb5, krb5], krb5, false],
  ['the other name of the favourite was chosen, the other way round', [krb5, msKrb5], msKrb5, false],
  ['the favourite was chosen and is not Kerberos', [ntlmssp, krb5], ntlmssp, false],
  ['NEGOEX came first', [negoex, krb5], krb5, true],
  ['NTLM came first', [ntlmssp, msKrb5, krb5], msKrb5, true],
  ['an unknown mechanism came first', ['1.2.3', krb5], krb5, true],
] as const;

for (const [name, mechTypes, selected, required] of micRules) {
  test(`mechListMicRequired() is ${required} when ${name} (RFC 4178, 5)`, () => {
    assert.equal(mechListMicRequired(mechTypes, selected), required);
  });
}
