import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeUpnDnsInfo } from '../test/pac-encoder.ts';
import { sambaPac, windows2012Pac } from '../test/pac-vectors.ts';
import { PacError, PacType, readPacBuffers } from './pac-buffers.ts';
import { readUpnDnsInfo } from './pac-upn-dns-info.ts';
import { SidError } from './sid.ts';

const bufferOf = (pac: Uint8Array): Uint8Array =>
  readPacBuffers(pac).get(PacType.upnDnsInfo)?.bytes ?? new Uint8Array();

test('readUpnDnsInfo() reads the short form of Windows 2012', () => {
  assert.deepEqual(readUpnDnsInfo(bufferOf(windows2012Pac)), {
    upn: 'testuser1@test.gokrb5',
    dnsDomain: 'TEST.GOKRB5',
  });
});

test('readUpnDnsInfo() reads the extended form with account name and SID', () => {
  assert.deepEqual(readUpnDnsInfo(bufferOf(sambaPac)), {
    upn: 'zoë@corp.example',
    dnsDomain: 'CORP.EXAMPLE',
    samName: 'zoë',
    sid: 'S-1-5-21-1-2-3-1103',
  });
});

test('readUpnDnsInfo() leaves out what is empty', () => {
  assert.deepEqual(readUpnDnsInfo(encodeUpnDnsInfo({ upn: '', dnsDomain: '' })), {});
});

const short = encodeUpnDnsInfo({ upn: 'a@b', dnsDomain: 'B' });
const long = encodeUpnDnsInfo({ upn: 'a@b', dnsDomain: 'B', samName: 'a', sid: 'S-1-5-9' });
const refusals: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array()],
  ['half a header', short.subarray(0, 11)],
  ['half an extended header', long.subarray(0, 19)],
  ['a UPN that points into the header', short.with(2, 8)],
  ['a UPN that points into the extended header', long.with(2, 16)],
  ['a UPN that points outside', short.with(3, 0xff)],
  ['a UPN that ends outside', short.with(1, 0xff)],
  ['a UPN of an odd length', short.with(0, 5)],
  ['a lone surrogate', short.with((short[2] ?? 0) + 1, 0xd8)],
];

for (const [name, bytes] of refusals) {
  test(`readUpnDnsInfo() refuses ${name}`, () => assert.throws(() => readUpnDnsInfo(bytes), PacError));
}

test('readUpnDnsInfo() refuses a SID that is not one', () => {
  assert.throws(() => readUpnDnsInfo(long.with(16, 11)), SidError);
});
