import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeLogonInfo, type LogonDescription, ordinaryGroup } from '../test/pac-encoder.ts';
import { msPacExample, sambaPac, trustLogonInfo } from '../test/pac-vectors.ts';
import { NdrError } from './ndr.ts';
import { PacType, readPacBuffers } from './pac-buffers.ts';
import { readLogonInfo } from './pac-logon-info.ts';
import { SidError } from './sid.ts';

const logonInfoOf = (pac: Uint8Array): Uint8Array =>
  readPacBuffers(pac).get(PacType.logonInfo)?.bytes ?? new Uint8Array();

test('readLogonInfo() reads the worked example of MS-PAC, 3.1', () => {
  const { groupSids, ...rest } = readLogonInfo(logonInfoOf(msPacExample));
  const domain = 'S-1-5-21-397955417-626881126-188441444';
  assert.deepEqual(rest, {
    accountName: 'lzhu',
    fullName: 'Liqiang(Larry) Zhu',
    domainName: 'NTDEV',
    domainSid: domain,
    userSid: `${domain}-2914711`,
  });
  const rids = [
    3392609, 2999049, 3322974, 513, 2931095, 3338539, 3354830, 3026599, 3338538, 2931096, 3392610, 3342740, 3392630,
    3014318, 2937394, 3278870, 3038018, 3322975, 3513546, 2966661, 3338434, 3271401, 3051245, 3271606, 3026603, 3018354,
  ];
  const extra = [
    3101812, 3291368, 3291341, 3322973, 3479105, 3271400, 3283393, 3338537, 3038991, 3037999, 3248111, 3038983,
  ];
  assert.deepEqual(groupSids, [
    ...rids.map((rid) => `${domain}-${rid}`),
    'S-1-5-21-773533881-1816936887-355810188-513',
    ...extra.map((rid) => `${domain}-${rid}`),
  ]);
});

test('readLogonInfo() reads resource groups of another domain, as Windows sends them over a trust', () => {
  assert.deepEqual(readLogonInfo(trustLogonInfo), {
    accountName: 'testuser1',
    fullName: 'Test1 User1',
    domainName: 'USER',
    domainSid: 'S-1-5-21-2284869408-3503417140-1141177250',
    userSid: 'S-1-5-21-2284869408-3503417140-1141177250-1106',
    groupSids: [
      'S-1-5-21-2284869408-3503417140-1141177250-1110',
      'S-1-5-21-2284869408-3503417140-1141177250-513',
      'S-1-5-21-2284869408-3503417140-1141177250-1109',
      'S-1-18-1',
      'S-1-5-21-3062750306-1230139592-1973306805-1107',
      'S-1-5-21-3062750306-1230139592-1973306805-1108',
    ],
  });
});

test('readLogonInfo() reads what the NDR library of Samba writes', () => {
  assert.deepEqual(readLogonInfo(logonInfoOf(sambaPac)), {
    accountName: 'zoë',
    fullName: 'Zoë 😀 Q',
    domainName: 'CORP',
    domainSid: 'S-1-5-21-1-2-3',
    userSid: 'S-1-5-21-1-2-3-1103',
    groupSids: ['S-1-5-21-1-2-3-513', 'S-1-5-21-1-2-3-1104', 'S-1-18-1', 'S-1-5-21-7-7-7-2000'],
  });
});

const domainSid = 'S-1-5-21-1-2-3';
const alice: LogonDescription = { accountName: 'alice', domainName: 'CORP', domainSid, userId: 1103 };
const groupsOf = (change: Partial<LogonDescription>): readonly string[] =>
  readLogonInfo(encodeLogonInfo({ ...alice, ...change })).groupSids;

const enabled = 0x04;
const denyOnly = 0x10;
const extraSid = 'S-1-5-21-9-9-9-1000';
const resourceGroups = { domainSid: 'S-1-5-21-7-7-7', groups: [{ rid: 2000 }] };

const cases: readonly (readonly [string, Partial<LogonDescription>, readonly string[]])[] = [
  [
    'adds the primary group when the KDC did not list it',
    { groups: [{ rid: 7 }] },
    [`${domainSid}-513`, `${domainSid}-7`],
  ],
  ['adds no primary group when there is none', { groups: [{ rid: 7 }], primaryGroupId: 0 }, [`${domainSid}-7`]],
  ['leaves out a disabled primary group', { groups: [{ rid: 513, attributes: 0 }] }, []],
  ['leaves out disabled groups', { groups: [{ rid: 513 }, { rid: 7, attributes: 0x03 }] }, [`${domainSid}-513`]],
  [
    'leaves out groups for denial only',
    { groups: [{ rid: 513 }, { rid: 7, attributes: denyOnly }] },
    [`${domainSid}-513`],
  ],
  [
    'leaves out groups that are enabled and for denial only',
    { groups: [{ rid: 513 }, { rid: 7, attributes: enabled | denyOnly }] },
    [`${domainSid}-513`],
  ],
  [
    'names each group once',
    { groups: [{ rid: 513 }, { rid: 513 }], extraSids: [{ sid: `${domainSid}-513` }] },
    [`${domainSid}-513`],
  ],
  [
    'reads extra SIDs',
    { extraSids: [{ sid: extraSid }, { sid: 'S-1-18-1' }] },
    [`${domainSid}-513`, extraSid, 'S-1-18-1'],
  ],
  [
    'leaves out extra SIDs for denial only',
    { extraSids: [{ sid: extraSid, attributes: ordinaryGroup | denyOnly }] },
    [`${domainSid}-513`],
  ],
  [
    'ignores extra SIDs without their flag in UserFlags',
    { extraSids: [{ sid: extraSid }], userFlags: 0x200 },
    [`${domainSid}-513`],
  ],
  ['reads resource groups', { resourceGroups }, [`${domainSid}-513`, 'S-1-5-21-7-7-7-2000']],
  [
    'leaves out disabled resource groups',
    { resourceGroups: { ...resourceGroups, groups: [{ rid: 1, attributes: 0x20000003 }] } },
    [`${domainSid}-513`],
  ],
  [
    'ignores resource groups without their flag in UserFlags',
    { resourceGroups, userFlags: 0x20 },
    [`${domainSid}-513`],
  ],
  ['accepts empty lists', { groups: [], primaryGroupId: 0, resourceGroups: { ...resourceGroups, groups: [] } }, []],
];

for (const [name, change, expected] of cases) {
  test(`readLogonInfo() ${name}`, () => assert.deepEqual(groupsOf(change), expected));
}

test('readLogonInfo() takes the first extra SID for the account when UserId is 0 (MS-PAC 2.5)', () => {
  const { userSid, groupSids } = readLogonInfo(
    encodeLogonInfo({ ...alice, userId: 0, extraSids: [{ sid: extraSid }, { sid: 'S-1-18-1' }] }),
  );
  assert.deepEqual([userSid, groupSids], [extraSid, [`${domainSid}-513`, 'S-1-18-1']]);
});

test('readLogonInfo() refuses a UserId of 0 without extra SIDs', () => {
  assert.throws(() => readLogonInfo(encodeLogonInfo({ ...alice, userId: 0 })), SidError);
});

test('readLogonInfo() reads 4,000 groups', () => {
  const groups = Array.from({ length: 4_000 }, (_, i) => ({ rid: 1_000 + i }));
  assert.equal(groupsOf({ groups: [{ rid: 513 }, ...groups] }).length, 4_001);
});

// Offsets into the serialized object, from MS-PAC 2.5: 20 bytes of headers and pointer come first.
const at = {
  groupCount: 20 + 108,
  groupIds: 20 + 112,
  logonDomainId: 20 + 152,
  sidCount: 20 + 196,
  extraSids: 20 + 200,
};
const full = encodeLogonInfo({ ...alice, extraSids: [{ sid: extraSid }], resourceGroups });

function poked(offset: number, value: number): Uint8Array {
  const bytes = Uint8Array.from(full);
  new DataView(bytes.buffer).setUint32(offset, value, true);
  return bytes;
}

const refusals: readonly (readonly [string, Uint8Array])[] = [
  ['a group count of 4 billion', poked(at.groupCount, 0xffffffff)],
  ['a group count that differs from the array', poked(at.groupCount, 2)],
  ['groups that are null but counted', poked(at.groupIds, 0)],
  ['an extra SID count of 4 billion', poked(at.sidCount, 0xffffffff)],
  ['extra SIDs that are null but counted', poked(at.extraSids, 0)],
  ['a null LogonDomainId', poked(at.logonDomainId, 0)],
  ['a buffer that is cut short', full.subarray(0, full.length - 8)],
  ['an empty buffer', new Uint8Array()],
  ['trailing bytes in the object', Uint8Array.of(...poked(8, full.length - 8), ...new Uint8Array(8))],
];

for (const [name, bytes] of refusals) {
  test(`readLogonInfo() refuses ${name}`, () => {
    assert.throws(
      () => readLogonInfo(bytes),
      (error) => error instanceof NdrError || error instanceof SidError,
    );
  });
}

test('readLogonInfo() refuses a list that is null but counted, even where nothing else is amiss', () => {
  const bytes = encodeLogonInfo(alice);
  new DataView(bytes.buffer).setUint32(20 + 208, 1, true); // ResourceGroupCount
  assert.throws(() => readLogonInfo(bytes), NdrError);
});

test('readLogonInfo() refuses resource groups without their domain', () => {
  const bytes = encodeLogonInfo({ ...alice, resourceGroups });
  new DataView(bytes.buffer).setUint32(20 + 204, 0, true); // ResourceGroupDomainSid is null now, so its 28 bytes must go
  const sid = Buffer.from(bytes).indexOf(Buffer.from('0400000001040000000000051500000007', 'hex'));
  assert.ok(sid > 0);
  const shorter = Uint8Array.from([...bytes.subarray(0, sid), ...bytes.subarray(sid + 28)]);
  new DataView(shorter.buffer).setUint32(8, shorter.length - 16, true);
  assert.throws(() => readLogonInfo(shorter), SidError);
});

test('readLogonInfo() refuses an extra SID of 16 sub-authorities', () => {
  const bytes = Uint8Array.from(full);
  const count = Buffer.from(bytes).indexOf(Buffer.from('05000000010500000000000515000000090000', 'hex'));
  assert.ok(count > 0);
  assert.throws(() => readLogonInfo(bytes.with(count, 16)), NdrError);
});
