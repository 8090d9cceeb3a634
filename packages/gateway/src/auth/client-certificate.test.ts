import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import type { Outcome } from './authenticator.ts';
import { readCertificateNames } from './certificate-names.ts';
import { type ClientCertificateOptions, clientCertificate } from './client-certificate.ts';
import { credentials } from './credentials-testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-certificates-'));
after(() => rmSync(folder, { recursive: true }));

let count = 0;

/** A self-signed certificate with this subject and these alternative names, as OpenSSL's configuration writes them. */
function certificate(subject: string, names: readonly string[]): Uint8Array {
  const file = join(folder, `${++count}`);
  const section = names.length === 0 ? '' : `subjectAltName=@names\n[names]\n${names.join('\n')}\n`;
  writeFileSync(
    `${file}.cnf`,
    `utf8=yes\nstring_mask=utf8only\n[req]\ndistinguished_name=dn\nx509_extensions=v3\n[dn]\n[v3]\nbasicConstraints=CA:FALSE\n${section}`,
  );
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const req = ['req', '-x509', '-nodes', '-utf8', '-days', '2', ...ec, '-subj', subject, '-config', `${file}.cnf`];
  execFileSync('openssl', [...req, '-keyout', `${file}.key`, '-out', `${file}.pem`], { stdio: 'ignore' });
  return new X509Certificate(readFileSync(`${file}.pem`)).raw;
}

const upn = (value: string, type = 'UTF8'): string => `otherName.0=1.3.6.1.4.1.311.20.2.3;${type}:${value}`;
const smartCard = certificate('/O=Corp/CN=Alice Archer', [
  upn('alice@corp.example'),
  'email.0=Alice.Archer@corp.example',
  'DNS.0=pc-7.corp.example',
]);

function ask(
  der: Uint8Array | undefined,
  options: Partial<ClientCertificateOptions> = {},
  verified = true,
  now = Date.now(),
): Outcome {
  const method = clientCertificate({
    from: 'upn',
    names: { domains: { 'corp.example': 'CORP' } },
    lifetimeMs: 3_600_000,
    ...options,
  });
  const shown = der && { der, verified, problem: verified ? undefined : 'CERT_HAS_EXPIRED' };
  const outcome = method.authenticate(
    credentials({ now, connection: { ...credentials().connection, clientCertificate: shown } }),
  );
  assert.ok(!(outcome instanceof Promise));
  return outcome;
}

const reason = (outcome: Outcome): string => (outcome.kind === 'rejected' ? outcome.reason : outcome.kind);

test('readCertificateNames() finds the names by which a person can be known, and the end', () => {
  const names = readCertificateNames(smartCard);
  const { notAfter, ...found } = names ?? { notAfter: 0 };
  assert.deepEqual(found, {
    commonNames: ['Alice Archer'],
    upns: ['alice@corp.example'],
    emails: ['Alice.Archer@corp.example'],
    hosts: ['pc-7.corp.example'],
  });
  assert.equal(notAfter, Date.parse(new X509Certificate(smartCard).validTo));
});

test('readCertificateNames() reads names outside ASCII, in each type that such a name may have', () => {
  assert.deepEqual(readCertificateNames(certificate('/CN=Jürgen', []))?.commonNames, ['Jürgen']);
  const wide = certificate('/CN=x', ['otherName.0=1.3.6.1.4.1.311.20.2.3;FORMAT:UTF8,BMP:jürgen@corp.example']);
  assert.deepEqual(readCertificateNames(wide)?.upns, ['jürgen@corp.example']);
});

test('readCertificateNames() finds nothing in a certificate without any', () => {
  const names = readCertificateNames(certificate('/O=Corp', []));
  assert.deepEqual([names?.commonNames, names?.upns, names?.emails, names?.hosts], [[], [], [], []]);
});

test('readCertificateNames() does not take another kind of name for a UPN', () => {
  const other = certificate('/CN=x', [
    'otherName.0=1.2.3.4;UTF8:admin@corp.example',
    'URI.0=upn:admin@corp.example',
    'IP.0=127.0.0.1',
  ]);
  assert.deepEqual(readCertificateNames(other)?.upns, []);
});

test('readCertificateNames() refuses a name that is cut off by a NUL for some readers', () => {
  const position = Buffer.from(smartCard).indexOf('alice@corp.example');
  const forged = Uint8Array.from(smartCard);
  forged[position + 5] = 0;
  assert.equal(readCertificateNames(forged), undefined);
});

test('readCertificateNames() never throws, whatever the bytes', () => {
  for (let length = 0; length < smartCard.length; length++)
    assert.equal(readCertificateNames(smartCard.subarray(0, length)), undefined);
  fc.assert(
    fc.property(fc.nat(smartCard.length - 1), fc.nat(255), (at, byte) => {
      const changed = Uint8Array.from(smartCard);
      changed[at] = byte;
      readCertificateNames(changed);
    }),
    { numRuns: 2_000 },
  );
});

for (const [from, account, principal] of [
  ['upn', 'CORP\\alice', 'alice@corp.example'],
  ['email', 'CORP\\Alice.Archer', undefined],
  ['dns', 'pc-7.corp.example', undefined],
  ['cn', 'Alice Archer', undefined],
] as const)
  test(`clientCertificate() makes an account of the ${from}`, () => {
    const outcome = ask(smartCard, { from });
    assert.ok(outcome.kind === 'accepted');
    const { identity } = outcome;
    assert.deepEqual([identity.account, identity.upn], [account, principal]);
    assert.deepEqual([identity.name, identity.email], ['Alice Archer', 'Alice.Archer@corp.example']);
    assert.deepEqual([identity.method, identity.groups, identity.sids], ['client_certificate', [], []]);
    assert.equal(identity.subject, `client_certificate:${account.toLowerCase()}`);
  });

test('clientCertificate() leaves a connection without a certificate to other methods', () => {
  assert.deepEqual(ask(undefined), { kind: 'absent' });
});

test('clientCertificate() believes no certificate that TLS has not verified', () => {
  assert.equal(reason(ask(smartCard, {}, false)), 'certificate-not-verified');
});

for (const [what, der, from, why] of [
  ['without such a name', certificate('/CN=x', []), 'upn', 'certificate-without-name'],
  [
    'with two of them',
    certificate('/CN=x', [upn('alice@corp.example'), upn('admin@corp.example').replace('.0', '.1')]),
    'upn',
    'certificate-ambiguous',
  ],
  ['with two common names', certificate('/CN=alice/CN=admin', []), 'cn', 'certificate-ambiguous'],
  ['whose UPN is none', certificate('/CN=x', [upn('alice')]), 'upn', 'certificate-name'],
  ['whose UPN is an account of a domain', certificate('/CN=x', [upn('CORP\\\\admin')]), 'upn', 'certificate-name'],
  ['whose host name is a pattern', certificate('/CN=x', ['DNS.0=*.corp.example']), 'dns', 'certificate-name'],
  ['that is cut off', smartCard.subarray(0, 100), 'upn', 'certificate-unreadable'],
] as const)
  test(`clientCertificate() refuses a certificate ${what}`, () => {
    assert.equal(reason(ask(der, { from })), why);
  });

test('clientCertificate() refuses a certificate from its end on, also on a connection that began before', () => {
  const end = Date.parse(new X509Certificate(smartCard).validTo);
  const before = ask(smartCard, {}, true, end - 1);
  assert.equal(before.kind === 'accepted' && before.identity.expiresAt, end);
  assert.equal(reason(ask(smartCard, {}, true, end)), 'certificate-expired');
});

test('clientCertificate() gives a bare common name the default domain, where there is one', () => {
  const der = certificate('/CN=svc-export', []);
  const of = (outcome: Outcome): string => (outcome.kind === 'accepted' ? outcome.identity.account : outcome.kind);
  assert.equal(of(ask(der, { from: 'cn', names: { defaultDomain: 'CORP' } })), 'CORP\\svc-export');
  assert.equal(of(ask(der, { from: 'cn', names: {} })), 'svc-export');
});

test('clientCertificate() reads the certificate of a connection once', () => {
  let reads = 0;
  const connection = {
    ...credentials().connection,
    get clientCertificate() {
      reads++;
      return { der: smartCard, verified: true, problem: undefined };
    },
  };
  const method = clientCertificate({ from: 'upn', names: {}, lifetimeMs: 1 });
  for (let i = 0; i < 3; i++) void method.authenticate(credentials({ now: Date.now(), connection }));
  assert.equal(reads, 1);
});
