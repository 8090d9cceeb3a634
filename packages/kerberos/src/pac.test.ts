import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encodeClientInfo,
  encodeLogonInfo,
  encodePac,
  encodeUpnDnsInfo,
  findBuffer,
  layOutPac,
  type LogonDescription,
  type PacDescription,
  type RawBuffer,
  signPac,
} from '../test/pac-encoder.ts';
import { windows2003Key, windows2003Pac, windows2012Key, windows2012Pac } from '../test/pac-vectors.ts';
import { importKey } from './etypes.ts';
import type { Key } from './key.ts';
import { type Pac, type PacResult, readPac } from './pac.ts';
import { PacType } from './pac-buffers.ts';
import { sidToBytes } from './sid.ts';

const keyOf = (etype: number, length: number, fill: number): Key => importKey(etype, new Uint8Array(length).fill(fill));
const server = keyOf(18, 32, 1);
const kdc = keyOf(18, 32, 2);
const keys = { server, kdc };
const authTime = Date.UTC(2026, 10, 22, 9, 0, 0);
const logon: LogonDescription = { accountName: 'alice', domainName: 'CORP', domainSid: 'S-1-5-21-1-2-3', userId: 1103 };
const alice: PacDescription = {
  clientName: 'alice',
  authTime,
  logon,
  upnDns: { upn: 'alice@corp.example', dnsDomain: 'CORP.EXAMPLE', samName: 'alice', sid: 'S-1-5-21-1-2-3-1103' },
};
const read = (bytes: Uint8Array, serverKey = server): PacResult =>
  readPac(bytes, { serverKey, clientName: 'alice', authTime });

function verified(result: PacResult): Pac {
  assert.ok(result.kind === 'verified', JSON.stringify(result));
  return result.pac;
}

function refused(result: PacResult, message: RegExp): void {
  assert.ok(result.kind === 'refused', JSON.stringify(result));
  assert.equal(result.failure.code, 'pac-invalid');
  assert.match(result.failure.message, message);
}

test('readPac() verifies a PAC of Windows 2003 with an RC4 key', () => {
  const serverKey = importKey(23, windows2003Key);
  const pac = verified(readPac(windows2003Pac, { serverKey, clientName: 'w2003final$', authTime: 1_120_440_609_000 }));
  assert.deepEqual(pac, {
    logon: {
      accountName: 'W2003FINAL$',
      fullName: '',
      domainName: 'WIN2K3THINK',
      domainSid: 'S-1-5-21-3048156945-3961193616-3706469200',
      userSid: 'S-1-5-21-3048156945-3961193616-3706469200-1005',
      groupSids: ['S-1-5-21-3048156945-3961193616-3706469200-516', 'S-1-5-9'],
    },
  });
});

test('readPac() verifies a PAC of Windows 2012 with an AES256 key', () => {
  const serverKey = importKey(18, windows2012Key);
  const pac = verified(readPac(windows2012Pac, { serverKey, clientName: 'testuser1', authTime: 1_494_085_991_000 }));
  const domainSid = 'S-1-5-21-3167651404-3865080224-2280184895';
  assert.deepEqual(pac, {
    upn: 'testuser1@test.gokrb5',
    dnsDomain: 'TEST.GOKRB5',
    logon: {
      accountName: 'testuser1',
      fullName: 'Test1 User1',
      domainName: 'TEST',
      domainSid,
      userSid: `${domainSid}-1105`,
      groupSids: [513, 1108, 1109, 1115, 1116, 1114, 1111].map((rid) => `${domainSid}-${rid}`),
    },
  });
});

const etypes = [
  [17, 16],
  [18, 32],
  [19, 16],
  [20, 32],
  [23, 16],
] as const;

for (const [etype, length] of etypes) {
  const own = keyOf(etype, length, 5);

  test(`readPac() verifies the checksum that belongs to etype ${etype}, whatever the KDC's key is`, () => {
    for (const [kdcEtype, kdcLength] of etypes) {
      const pac = encodePac(alice, { server: own, kdc: keyOf(kdcEtype, kdcLength, 6) });
      assert.equal(verified(read(pac, own)).logon?.accountName, 'alice');
    }
  });

  test(`readPac() refuses the checksum of another key of etype ${etype}`, () => {
    refused(read(encodePac(alice, { server: own, kdc }), keyOf(etype, length, 9)), /server checksum is wrong/);
  });
}

test('readPac() refuses a checksum that is right but claims to be of another type than the key has', () => {
  const own = keyOf(17, 16, 3);
  const checksum = (usage: number, data: Uint8Array): Uint8Array => own.checksum(usage, data);
  const signAs = (checksumType: number): Key => ({ ...own, etype: 17, checksumType, checksumBytes: 12, checksum });
  assert.equal(read(encodePac(alice, { server: signAs(15), kdc }), own).kind, 'verified');
  refused(read(encodePac(alice, { server: signAs(16), kdc }), own), /server checksum is wrong/);
});

test('readPac() refuses one byte behind a signature, where two would be an RODCIdentifier', () => {
  const pac = encodePac(alice, { server, kdc: keyOf(19, 16, 2) });
  new DataView(pac.buffer).setUint32(8 + 16 * 4 + 4, 21, true); // length of the fifth buffer, of which 24 bytes are its own
  refused(read(pac), /KDC checksum has a wrong length/);
});

test('readPac() gives everything that the buffers say', () => {
  assert.deepEqual(verified(read(encodePac(alice, keys))), {
    upn: 'alice@corp.example',
    dnsDomain: 'CORP.EXAMPLE',
    samName: 'alice',
    sid: 'S-1-5-21-1-2-3-1103',
    logon: {
      accountName: 'alice',
      fullName: '',
      domainName: 'CORP',
      domainSid: 'S-1-5-21-1-2-3',
      userSid: 'S-1-5-21-1-2-3-1103',
      groupSids: ['S-1-5-21-1-2-3-513'],
    },
  });
});

test('readPac() accepts TICKET and FULL checksums and buffers that it does not know', () => {
  const pac = encodePac(
    {
      ...alice,
      ticketChecksumOver: new Uint8Array(50),
      fullChecksum: true,
      others: [
        { type: 17, bytes: new Uint8Array(8) },
        { type: 0x7fffffff, bytes: new Uint8Array(3) },
      ],
    },
    keys,
  );
  assert.equal(verified(read(pac)).note, undefined);
});

test('readPac() accepts the signatures of a read-only domain controller', () => {
  assert.equal(verified(read(encodePac({ ...alice, rodcIdentifier: 0x1234 }, keys))).logon?.accountName, 'alice');
});

test('readPac() signs on without groups when the KDC sent no LOGON_INFO, as MIT does, and says so', () => {
  const { logon: _, ...mit } = alice;
  const pac = verified(read(encodePac(mit, keys)));
  assert.equal(pac.logon, undefined);
  assert.equal(pac.upn, 'alice@corp.example');
  assert.match(pac.note ?? '', /no LOGON_INFO/);
});

const client: RawBuffer = { type: PacType.clientInfo, bytes: encodeClientInfo('alice', authTime) };
const logonBuffer: RawBuffer = { type: PacType.logonInfo, bytes: encodeLogonInfo(logon) };

test('readPac() signs on without groups when LOGON_INFO cannot be decoded, and says so', () => {
  const broken = { ...logonBuffer, bytes: logonBuffer.bytes.subarray(0, 100) };
  const pac = verified(read(signPac([broken, client], keys)));
  assert.equal(pac.logon, undefined);
  assert.match(pac.note ?? '', /LOGON_INFO could not be decoded/);
});

test('readPac() signs on with groups and without UPN when UPN_DNS_INFO cannot be decoded, and says so', () => {
  const pac = verified(
    read(signPac([logonBuffer, client, { type: PacType.upnDnsInfo, bytes: new Uint8Array(4) }], keys)),
  );
  assert.deepEqual([pac.logon?.accountName, pac.upn], ['alice', undefined]);
  assert.match(pac.note ?? '', /UPN_DNS_INFO could not be decoded/);
});

test('readPac() takes a client of several name parts', () => {
  const pac = encodePac({ ...alice, clientName: 'HTTP/app.corp.example' }, keys);
  const result = readPac(pac, { serverKey: server, clientName: 'HTTP/app.corp.example', authTime });
  assert.equal(result.kind, 'verified');
});

const clientRefusals: readonly (readonly [string, Partial<PacDescription>])[] = [
  ['another client', { clientName: 'bob' }],
  ['another spelling of the client', { clientName: 'Alice' }],
  ['a longer name', { clientName: 'alice$' }],
  ['another authtime', { authTime: authTime + 1_000 }],
];

for (const [name, change] of clientRefusals) {
  test(`readPac() refuses a PAC for ${name}`, () => {
    refused(read(encodePac({ ...alice, ...change }, keys)), /CLIENT_INFO names another client/);
  });
}

test('readPac() refuses SIDs that contradict each other', () => {
  const upnDns = { upn: 'a', dnsDomain: 'b', samName: 'alice', sid: 'S-1-5-21-1-2-3-500' };
  refused(read(encodePac({ ...alice, upnDns }, keys)), /different SIDs/);
});

test('readPac() refuses the PAC of a ticket-granting ticket that was issued to another account', () => {
  const requestor = (sid: string): RawBuffer => ({ type: PacType.requestor, bytes: sidToBytes(sid) });
  const pacOf = (...others: readonly RawBuffer[]) => encodePac({ ...alice, others }, keys);
  verified(read(pacOf(requestor('S-1-5-21-1-2-3-1103'))));
  refused(read(pacOf(requestor('S-1-5-21-1-2-3-500'))), /different SIDs/);
  refused(read(pacOf({ type: PacType.requestor, bytes: new Uint8Array(3) })), /REQUESTOR could not be decoded/);
});

test('readPac() compares the REQUESTOR with the SID of UPN_DNS_INFO where there is no LOGON_INFO', () => {
  const { logon: _, ...rest } = alice;
  const others = [{ type: PacType.requestor, bytes: sidToBytes('S-1-5-21-1-2-3-500') }];
  refused(read(encodePac({ ...rest, others }, keys)), /different SIDs/);
});

test('readPac() leaves nobody without groups whose full name was cut between the halves of a character', () => {
  const pac = verified(read(encodePac({ ...alice, logon: { ...logon, fullName: 'Alice \ud83d' } }, keys)));
  assert.equal(pac.logon?.fullName, 'Alice \ufffd');
});

test('readPac() refuses a PAC without CLIENT_INFO', () => {
  refused(read(signPac([logonBuffer], keys)), /no CLIENT_INFO/);
});

test('readPac() refuses a PAC with a CLIENT_INFO that cannot be decoded', () => {
  refused(
    read(signPac([logonBuffer, { ...client, bytes: client.bytes.subarray(0, 12) }], keys)),
    /CLIENT_INFO is cut short/,
  );
});

const signed = encodePac(alice, keys);

/** The PAC with this buffer's entry in the directory given another type, so that it is missing. */
function without(type: number): Uint8Array {
  const pac = Uint8Array.from(signed);
  const view = new DataView(pac.buffer);
  for (let at = 8; ; at += 16) {
    if (view.getUint32(at, true) !== type) continue;
    view.setUint32(at, 99, true);
    return pac;
  }
}

const poked = (offset: number, value: number): Uint8Array => {
  const pac = Uint8Array.from(signed);
  new DataView(pac.buffer).setInt32(offset, value, true);
  return pac;
};
const serverAt = findBuffer(signed, PacType.serverChecksum);
const kdcAt = findBuffer(signed, PacType.kdcChecksum);
/** The directory's entry of the server checksum: the fourth. */
const serverLengthAt = 8 + 16 * 3 + 4;

const refusals: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['nothing', new Uint8Array(), /shorter than its header/],
  ['a PAC without server checksum', without(PacType.serverChecksum), /no server checksum/],
  ['a PAC without KDC checksum', without(PacType.kdcChecksum), /no KDC checksum/],
  ['an unknown type of server checksum', poked(serverAt.offset, 1), /server checksum is of type 1/],
  ['an unkeyed type of server checksum', poked(serverAt.offset, 7), /server checksum is of type 7/],
  ['an unknown type of KDC checksum', poked(kdcAt.offset, 1), /KDC checksum is of type 1/],
  ['a server checksum that is cut short', poked(serverLengthAt, 15), /server checksum has a wrong length/],
  ['a server checksum of three bytes', poked(serverLengthAt, 3), /server checksum is cut short/],
  ['a KDC checksum of another length', poked(kdcAt.offset, 20), /KDC checksum has a wrong length/],
  ['a PAC that was signed by nobody', layOutPac([logonBuffer, client]), /no server checksum/],
  ['a PAC that is cut short', signed.subarray(0, signed.length - 8), /outside the PAC/],
  ['a PAC with a byte more', Uint8Array.of(...signed, 0), /server checksum is wrong/],
];

for (const [name, bytes, message] of refusals) {
  test(`readPac() refuses ${name}`, () => refused(read(bytes), message));
}

test('readPac() interprets nothing before the checksum holds', () => {
  const badClient = signPac([logonBuffer, { ...client, bytes: new Uint8Array(1) }], { server: kdc, kdc });
  refused(read(badClient), /server checksum is wrong/);
});

test('readPac() never names the client or key material in a refusal', () => {
  for (const bytes of [encodePac({ ...alice, clientName: 'mallory' }, keys), signed.with(90, 0xee)]) {
    const result = read(bytes);
    assert.ok(result.kind === 'refused');
    assert.doesNotMatch(result.failure.message, /mallory|alice|0101|S-1-/);
  }
});

test('readPac() reads a view inside a larger buffer and leaves it as it was', () => {
  const outer = Buffer.concat([Uint8Array.of(1, 2, 3), signed, Uint8Array.of(4)]);
  const before = Buffer.from(outer);
  verified(read(outer.subarray(3, 3 + signed.length)));
  assert.deepEqual(outer, before);
});

for (const [name, pac] of [
  ['ordinary', signed],
  ['read-only domain controller', encodePac({ ...alice, rodcIdentifier: 7, fullChecksum: true }, keys)],
] as const) {
  test(`readPac() refuses a PAC with any one byte altered, but for the KDC's own signature (${name})`, () => {
    const kdcBuffer = findBuffer(pac, PacType.kdcChecksum);
    const kdcSignature = { start: kdcBuffer.offset + 4, end: kdcBuffer.offset + 4 + kdc.checksumBytes };
    for (const at of pac.keys()) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const { kind } = read(pac.with(at, (pac[at] ?? 0) ^ flip));
        const ignored = at >= kdcSignature.start && at < kdcSignature.end; // keyed with the KDC's key, which we do not have
        assert.equal(kind, ignored ? 'verified' : 'refused', `byte ${at}`);
      }
    }
  });
}

test('encodeUpnDnsInfo() of the tests is laid out as Windows does it', () => {
  const upnDns = { upn: 'testuser1@test.gokrb5', dnsDomain: 'TEST.GOKRB5' };
  const { offset, length } = findBuffer(windows2012Pac, PacType.upnDnsInfo);
  assert.deepEqual(encodeUpnDnsInfo(upnDns), windows2012Pac.subarray(offset, offset + length));
});
