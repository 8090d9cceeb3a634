import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { covers, judgePair, serverNames, validity } from './certificate-pair.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-pair-'));
after(() => rmSync(folder, { recursive: true }));

const golden = (name: string): Buffer => readFileSync(join(import.meta.dirname, '../../../test/check/files', name));
const gateway = new X509Certificate(golden('gateway.pem'));

/** A certificate with these alternative names, each as `DNS.1=desk.example`, and a common name that none of them is. */
function certificate(...names: readonly string[]): X509Certificate {
  const [out, key, config] = [join(folder, 'made.pem'), join(folder, 'made.key'), join(folder, 'made.cnf')];
  const alternatives = names.length === 0 ? '' : `[ext]\nsubjectAltName=@alt\n[alt]\n${names.join('\n')}\n`;
  // Only a configuration file can put a comma into a name.
  writeFileSync(config, `[req]\ndistinguished_name=dn\n[dn]\n${alternatives}`);
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-config', config];
  const about = ['-subj', '/CN=common.example', ...(names.length === 0 ? [] : ['-extensions', 'ext'])];
  execFileSync('openssl', ['req', '-x509', '-nodes', ...kind, ...about, '-out', out, '-keyout', key], {
    stdio: 'ignore',
  });
  return new X509Certificate(readFileSync(out));
}

for (const [names, expected] of [
  [
    ['DNS.1=Desk.Example', 'DNS.2=*.lab.example'],
    ['desk.example', '*.lab.example'],
  ],
  [['DNS.1=desk.example', 'IP.1=192.0.2.7', 'URI.1=https://uri.example', 'email.1=a@mail.example'], ['desk.example']],
  // One name that, written without care, would read as two.
  [['DNS.1=evil.example, DNS:bank.example'], []],
  [['IP.1=192.0.2.7'], []],
  [[], []],
] as const)
  test(`serverNames() finds ${JSON.stringify(expected)} in a certificate for ${names.join(', ') || 'a common name'}`, () => {
    assert.deepEqual(serverNames(certificate(...names)), expected);
  });

const wide = certificate(
  'DNS.1=desk.example',
  'DNS.2=*.lab.example',
  'DNS.3=p*.part.example',
  'IP.1=192.0.2.7',
  'IP.2=2001:db8::7',
);
for (const [host, expected] of [
  ['desk.example', true],
  ['a.lab.example', true],
  ['lab.example', false],
  ['a.b.lab.example', false],
  ['page.part.example', false],
  ['common.example', false],
  ['192.0.2.7', true],
  ['192.0.2.8', false],
  ['[2001:db8::7]', true],
  ['[2001:db8::8]', false],
] as const)
  test(`covers() is ${expected} for ${host}, as a browser would say`, () => {
    assert.equal(covers(wide, host), expected);
  });

test('covers() does not look at the common name, also when there is nothing else', () => {
  assert.equal(covers(certificate(), 'common.example'), false);
});

test('validity() knows the first and the last moment, and warns two weeks before the end', () => {
  const [from, to] = [gateway.validFromDate.getTime(), gateway.validToDate.getTime()];
  const day = 86_400_000;
  const at = (now: number): string => validity(gateway, now)?.severity ?? 'none';
  assert.deepEqual([from - 1, from, to - 14 * day, to - 14 * day + 1, to, to + 1].map(at), [
    'error',
    'none',
    'none',
    'warning',
    'warning',
    'error',
  ]);
});

const names = { cert: 'c.pem', key: 'k.key' };
const now = Date.UTC(2026, 10, 22);
const faultsOf = (cert: Uint8Array | undefined, key: Uint8Array | undefined): string[] =>
  judgePair({ cert, key, names }, now + 86_400_000).faults.map(({ file, message }) => `${file}: ${message}`);

test('judgePair() has nothing against a certificate and its key', () => {
  assert.deepEqual(faultsOf(golden('gateway.pem'), golden('gateway.key')), []);
});

test('judgePair() says what is wrong with each of the two files', () => {
  assert.deepEqual(faultsOf(golden('gateway.key'), golden('gateway.pem')), [
    'cert: c.pem is not a certificate',
    'key: k.key is not a private key',
  ]);
  assert.deepEqual(faultsOf(golden('expired.pem'), golden('encrypted.key')), [
    'key: the key in k.key is encrypted',
    'cert: the certificate has expired on 2025-01-01',
  ]);
  assert.deepEqual(faultsOf(golden('gateway.pem'), golden('other.key')), [
    'key: the key does not belong to the certificate',
  ]);
});

test('judgePair() hears from OpenSSL about a short key, and about a chain that cannot be read', () => {
  assert.match(faultsOf(golden('short.pem'), golden('short.key')).join(), /^cert: OpenSSL .*key too small$/);
  const chain = Buffer.concat([golden('gateway.pem'), golden('wiki.pem').subarray(0, 200)]);
  assert.match(faultsOf(chain, golden('gateway.key')).join(), /^cert: OpenSSL does not take/);
});

test('judgePair() does not take a certificate in DER, which TLS here does not read', () => {
  assert.match(faultsOf(gateway.raw, golden('gateway.key')).join(), /^cert: OpenSSL does not take/);
});

test('judgePair() is silent about a file that could not be read, and judges the other one', () => {
  assert.deepEqual(faultsOf(undefined, golden('gateway.key')), []);
  assert.deepEqual(faultsOf(golden('expired.pem'), undefined), ['cert: the certificate has expired on 2025-01-01']);
});
