/**
 * Fuzz tests of the PAC: readPac() never throws, and believes only what the KDC signed. Damage is done
 * both to signed PACs, which must be refused, and beneath a fresh signature, which reaches the decoders.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { importKey } from '../src/etypes.ts';
import { readPac } from '../src/pac.ts';
import { PacType } from '../src/pac-buffers.ts';
import { readLogonInfo } from '../src/pac-logon-info.ts';
import { fuzzRuns, spoiled } from './mutate.ts';
import {
  encodeClientInfo,
  encodeLogonInfo,
  encodePac,
  encodeUpnDnsInfo,
  findBuffer,
  type LogonDescription,
  type RawBuffer,
  signPac,
} from './pac-encoder.ts';
import { msPacExample, trustLogonInfo } from './pac-vectors.ts';

const server = importKey(17, new Uint8Array(16).fill(1));
const kdc = importKey(17, new Uint8Array(16).fill(2));
const keys = { server, kdc };
const authTime = Date.UTC(2026, 10, 22);
const verify = { serverKey: server, clientName: 'alice', authTime };
const domainSid = 'S-1-5-21-1-2-3';
const logon: LogonDescription = {
  accountName: 'alice',
  fullName: 'Alice Ω',
  domainName: 'CORP',
  domainSid,
  userId: 1103,
  groups: [{ rid: 513 }, { rid: 1104 }],
  extraSids: [{ sid: 'S-1-18-1' }],
  resourceGroups: { domainSid: 'S-1-5-21-7-7-7', groups: [{ rid: 2000 }] },
};
const upnDns = { upn: 'alice@corp.example', dnsDomain: 'CORP.EXAMPLE', samName: 'alice', sid: `${domainSid}-1103` };
const pac = encodePac(
  { clientName: 'alice', authTime, logon, upnDns, ticketChecksumOver: new Uint8Array(9), fullChecksum: true },
  keys,
);
const kdcBuffer = findBuffer(pac, PacType.kdcChecksum);
const kdcSignature = { start: kdcBuffer.offset + 4, end: kdcBuffer.offset + kdcBuffer.length };

test('readPac() refuses every damaged PAC', () => {
  const withoutKdcSignature = (bytes: Uint8Array): Buffer =>
    Buffer.from(bytes.map((byte, at) => (at >= kdcSignature.start && at < kdcSignature.end ? 0 : byte)));
  const original = withoutKdcSignature(pac);
  fc.assert(
    fc.property(spoiled([pac]), (bytes) => {
      const { kind } = readPac(bytes, verify);
      assert.equal(kind, withoutKdcSignature(bytes).equals(original) ? 'verified' : 'refused');
    }),
    { numRuns: fuzzRuns(2_000) },
  );
});

test('readPac() survives whatever a KDC may sign', () => {
  const logonInfo = spoiled([
    encodeLogonInfo(logon),
    trustLogonInfo,
    msPacExample.subarray(0x48, 0x48 + 0x4b0),
    encodeLogonInfo({ ...logon, userId: 0 }),
  ]);
  const clientInfo = fc.oneof(
    { weight: 9, arbitrary: fc.constant(encodeClientInfo('alice', authTime)) },
    { weight: 1, arbitrary: spoiled([encodeClientInfo('alice', authTime)]) },
  );
  const upnDnsInfo = spoiled([encodeUpnDnsInfo(upnDns), encodeUpnDnsInfo({ upn: 'a', dnsDomain: 'b' })]);
  const outcomes = new Map<string, number>();
  fc.assert(
    fc.property(fc.option(logonInfo), clientInfo, fc.option(upnDnsInfo), (logonBytes, clientBytes, upnBytes) => {
      const buffers: RawBuffer[] = [{ type: PacType.clientInfo, bytes: clientBytes }];
      if (logonBytes) buffers.push({ type: PacType.logonInfo, bytes: logonBytes });
      if (upnBytes) buffers.push({ type: PacType.upnDnsInfo, bytes: upnBytes });
      const result = readPac(signPac(buffers, keys), verify);
      const outcome = result.kind === 'refused' ? 'refused' : result.pac.logon ? 'logon' : 'no logon';
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }),
    { numRuns: fuzzRuns(2_000) },
  );
  assert.deepEqual([...outcomes.keys()].toSorted(), ['logon', 'no logon', 'refused']);
});

test('readLogonInfo() gives back every user that the encoder can write', () => {
  const rid = fc.integer({ min: 1, max: 0xffffffff });
  const attributes = fc.constantFrom(0x07, 0x04, 0x03, 0x10, 0x17, 0x20000007);
  const groups = fc.array(fc.record({ rid, attributes }), { maxLength: 40 });
  const sid = fc
    .tuple(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.array(rid, { minLength: 1, maxLength: 14 }))
    .map(
      ([authority, parts]) =>
        `S-1-${authority < 2 ** 32 ? authority : `0x${authority.toString(16).padStart(12, '0')}`}-${parts.join('-')}`,
    );
  const text = fc.string({ unit: 'binary', maxLength: 30 });
  const user = fc.record({
    accountName: text,
    fullName: text,
    logonServer: text,
    domainName: text,
    domainSid: sid,
    userId: rid,
    primaryGroupId: rid,
    groups,
    extraSids: fc.array(fc.record({ sid, attributes }), { maxLength: 5 }),
    resourceGroups: fc.record({ domainSid: sid, groups }),
  });
  const counts = (group: { readonly attributes: number }): boolean => (group.attributes & 0x14) === 0x04;
  fc.assert(
    fc.property(user, (expected) => {
      const { primaryGroupId: primary, groups, extraSids, resourceGroups } = expected;
      const sids = new Set([
        ...(groups.some(({ rid }) => rid === primary) ? [] : [`${expected.domainSid}-${primary}`]),
        ...groups.filter(counts).map(({ rid }) => `${expected.domainSid}-${rid}`),
        ...extraSids.filter(counts).map(({ sid }) => sid),
        ...resourceGroups.groups.filter(counts).map(({ rid }) => `${resourceGroups.domainSid}-${rid}`),
      ]);
      assert.deepEqual(readLogonInfo(encodeLogonInfo(expected)), {
        accountName: expected.accountName,
        fullName: expected.fullName,
        domainName: expected.domainName,
        domainSid: expected.domainSid,
        userSid: `${expected.domainSid}-${expected.userId}`,
        groupSids: [...sids],
      });
    }),
    { numRuns: fuzzRuns(500) },
  );
});
