import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { channelBindingHash, noChannelBindings, sameChannelBindings, tlsServerEndPoint } from './channel-bindings.ts';

const certificateHash = Buffer.from('E3CA49271E5089CC48CE82109F1324F41DBEDDC29A777410C738F7868C4FF405', 'hex');
const bindings = Buffer.from('6ea19df066da4622051f9c4f92c6df74', 'hex');

test('channelBindingHash() gives the value that NTLM clients send for a published certificate hash', () => {
  // jborean93/ntlm-auth, tests: MS-NLMP hashes the same structure, so its vector serves Kerberos as well.
  assert.deepEqual(channelBindingHash(tlsServerEndPoint(certificateHash)), bindings);
});

test('channelBindingHash() gives the Bnd that MIT 1.20 puts into a token', () => {
  // gss_init_sec_context() of Debian's libgssapi_krb5 with the application data of 32 zero bytes for a hash.
  const bnd = Buffer.from('c9ec5cb29e8f57f7ee6429cde733efeb', 'hex');
  assert.deepEqual(channelBindingHash(tlsServerEndPoint(new Uint8Array(32))), bnd);
});

test('channelBindingHash() is MD5 over two empty addresses and the data (RFC 4121, 4.1.1.2)', () => {
  const data = Buffer.from('x'.repeat(300));
  const struct = Buffer.concat([Buffer.alloc(16), Uint8Array.of(0x2c, 0x01, 0, 0), data]);
  assert.deepEqual(channelBindingHash(data), createHash('md5').update(struct).digest());
});

test('noChannelBindings() is true for 16 zero bytes only', () => {
  assert.equal(noChannelBindings(new Uint8Array(16)), true);
  assert.equal(noChannelBindings(new Uint8Array(16).with(15, 1)), false);
});

test('sameChannelBindings() accepts the right hash only', () => {
  assert.equal(sameChannelBindings(bindings, tlsServerEndPoint(certificateHash)), true);
  assert.equal(sameChannelBindings(bindings, tlsServerEndPoint(certificateHash.subarray(1))), false);
  assert.equal(sameChannelBindings(bindings.subarray(1), tlsServerEndPoint(certificateHash)), false);
  assert.equal(sameChannelBindings(new Uint8Array(16), tlsServerEndPoint(certificateHash)), false);
});
