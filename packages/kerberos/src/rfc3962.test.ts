import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importKey, stringToKey, verifyChecksum } from './etypes.ts';
import { nFold } from './n-fold.ts';
import { deriveKey } from './rfc3962.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const toHex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex');

// RFC 3962, appendix B: password, salt, iterations, the 128-bit and the 256-bit key.
const clef = '\u{1d11e}';
const passwords = [
  [
    'password',
    'ATHENA.MIT.EDUraeburn',
    1,
    '42263c6e89f4fc28b8df68ee09799f15',
    'fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161',
  ],
  [
    'password',
    'ATHENA.MIT.EDUraeburn',
    2,
    'c651bf29e2300ac27fa469d693bdda13',
    'a2e16d16b36069c135d5e9d2e25f896102685618b95914b467c67622225824ff',
  ],
  [
    'password',
    'ATHENA.MIT.EDUraeburn',
    1200,
    '4c01cd46d632d01e6dbe230a01ed642a',
    '55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a',
  ],
  [
    'password',
    hex('1234567878563412'),
    5,
    'e9b23d52273747dd5c35cb55be619d8e',
    '97a4e786be20d81a382d5ebc96d5909cabcdadc87ca48f574504159f16c36e31',
  ],
  [
    'X'.repeat(64),
    'pass phrase equals block size',
    1200,
    '59d1bb789a828b1aa54ef9c2883f69ed',
    '89adee3608db8bc71f1bfbfe459486b05618b70cbae22092534e56c553ba4b34',
  ],
  [
    'X'.repeat(65),
    'pass phrase exceeds block size',
    1200,
    'cb8005dc5f90179a7f02104c0018751d',
    'd78c5c9cb872a8c9dad4697f0bb5b2d21496c82beb2caeda2112fceea057401b',
  ],
  [
    clef,
    'EXAMPLE.COMpianist',
    50,
    'f149c1f2e154a73452d43e7fe62a56e5',
    '4b6d9839f84406df1f09cc166db4b83c571848b784a3d6bdc346589a3e393f9e',
  ],
] as const;

for (const [password, salt, iterations, aes128, aes256] of passwords) {
  const params = Buffer.alloc(4);
  params.writeUInt32BE(iterations);
  test(`stringToKey() agrees with RFC 3962, B: ${password.length} characters, ${iterations} iterations`, () => {
    assert.equal(toHex(stringToKey(17, password, salt, params)), aes128);
    assert.equal(toHex(stringToKey(18, password, salt, params)), aes256);
  });
}

// From MIT Kerberos, src/lib/crypto/crypto_tests/t_derive.c: the keys of RFC 3962, B (1 iteration), usage 2.
const base128 = hex('42263c6e89f4fc28b8df68ee09799f15');
const base256 = hex('fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161');
const derivations = [
  ['checksum key, 128 bits', base128, '0000000299', '34280a382bc92769b2da2f9ef066854b'],
  ['encryption key, 128 bits', base128, '00000002aa', '5b14fc4e250e14ddf9dccf1af6674f53'],
  ['integrity key, 128 bits', base128, '0000000255', '4ed31063621684f09ae8d89991af3e8f'],
  ['checksum key, 256 bits', base256, '0000000299', 'bfab388bdcb238e9f9c98d6a878304f04d30c82556375ac507a7a852790f4674'],
  [
    'encryption key, 256 bits',
    base256,
    '00000002aa',
    'c7cfd9cd75fe793a586a542d87e0d1396f1134a104bb1a9190b8c90ada3ddf37',
  ],
  [
    'integrity key, 256 bits',
    base256,
    '0000000255',
    '97151b4c76945063e2eb0529dc067d97d7bba90776d8126d91f34f3101aea8ba',
  ],
] as const;

for (const [name, base, constant, derived] of derivations) {
  test(`deriveKey() is DK of RFC 3961, 5.1: ${name}`, () => {
    assert.equal(toHex(deriveKey(base, nFold(hex(constant), 16))), derived);
  });
}

// From MIT Kerberos, src/lib/crypto/crypto_tests/t_decrypt.c. The usage is the line's number within its type.
const messages = ['', '1', '9 bytesss', '13 bytes byte', '30 bytes bytes bytes bytes byt'];
const ciphertexts = {
  17: [
    ['5a5c0f0ba54f3828b2195e66ca24a289', '49ff8e11c173d9583a3254fbe7b1f1df36c538e8416784a1672e6676'],
    ['98450e3f3baa13f5c99beb936981b06f', 'f86742f537b35dc2174a4dbaa920faf9042090b065e1ebb1cad9a65394'],
    ['9062430c8cda3388922e6d6a509f5b7a', '68fb9679601f45c78857b2bf820fd6e53eca8d42fd4b1d7024a09205abb7cd2ec26c355d2f'],
    [
      '033ee6502c54fd23e27791e987983827',
      'ec366d0327a933bf49330e650e49bc6b974637fe80bf532fe51795b4809718e6194724db948d1fd637',
    ],
    [
      'dceeb70b3de76562e689226c76429148',
      'c96081032d5d8eeb7e32b4089f789d0faa481dea74c0f97cbf3146ddfcf8e800156ecb532fc203e30ff600b63b350939fece510f02d7ff1e7bac',
    ],
  ],
  18: [
    [
      '17f275f2954f2ed1f90c377ba7f4d6a369aa0136e0bf0c927ad6133c693759a9',
      'e5094c55ee7b38262e2b044280b069379a95bf95bd8376fb3281b435',
    ],
    [
      'b9477e1ff0329c0050e20ce6c72d2dff27e8fe541ab0954429a9cb5b4f7b1e2a',
      '406150b97aeb76d43b36b62cc1ecdfbe6f40e95755e0beb5c27825f3a4',
    ],
    [
      'b1ae4cd8462aff1677053cc9279aac30b796fb81ce21474dd3ddbcfea4ec76d7',
      '09957aa25fcaf88f7b39e4406e633012d5fea21853f6478da7065caef41fd454a40824eec5',
    ],
    [
      'e5a72be9b7926c1225bafef9c1872e7ba4cdb2b17893d84abd90acdd8764d966',
      'd8f1aafeec84587cc3e700a774e56651a6d693e174ec4473b5e6d96f80297a653fb818ad893e719f96',
    ],
    [
      'f1c795e9248a09338d82c3f8d5b567040b0110736845041347235b1404231398',
      'd1137a4d634cfece924dbc3bf6790648bd5cff7de0e7b99460211d0daef3d79a295c688858f3b34b9cbd6eebae81daf6b734d4d498b6714f1c1d',
    ],
  ],
} as const;

for (const [etype, lines] of Object.entries(ciphertexts)) {
  for (const [usage, [key, cipher]] of lines.entries()) {
    test(`Rfc3962Key decrypts what MIT Kerberos encrypted: type ${etype}, "${messages[usage]}"`, () => {
      const plain = importKey(Number(etype), hex(key)).decrypt(usage, hex(cipher));
      assert.equal(plain && Buffer.from(plain).toString(), messages[usage]);
    });
  }
}

// From MIT Kerberos, src/lib/crypto/crypto_tests/t_cksums.c.
const checksums = [
  [17, 3, '9062430c8cda3388922e6d6a509f5b7a', 'eight nine ten eleven twelve thirteen', '01a4b088d45628f6946614e3'],
  [18, 4, 'b1ae4cd8462aff1677053cc9279aac30b796fb81ce21474dd3ddbcfea4ec76d7', 'fourteen', 'e08739e3279e2903ec8e3836'],
] as const;

for (const [etype, usage, key, text, checksum] of checksums) {
  test(`Rfc3962Key makes the checksum that MIT Kerberos makes: type ${etype}`, () => {
    const imported = importKey(etype, hex(key));
    assert.equal(toHex(imported.checksum(usage, Buffer.from(text))), checksum);
    assert.equal(verifyChecksum(imported, usage, Buffer.from(text), hex(checksum)), true);
  });
}
