import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usagePostgresConfig } from './usage-postgres-config.ts';

const read = (path: string): Uint8Array => Buffer.from(`PEM of ${path}`);
const asked = (host: string, ca?: string) => {
  const url = { host, port: 5432, database: 'cardea' };
  const postgres = { url, user: 'cardea', timeout: 5_000, ...(ca === undefined ? {} : { ca }) };
  return usagePostgresConfig({ usage: { retain: 1, postgres } }, read);
};

for (const [host, ca, tls] of [
  ['pg.corp.example', undefined, { ca: undefined }],
  ['pg.corp.example', 'ca.pem', { ca: 'PEM of ca.pem' }],
  ['10.0.0.7', undefined, { ca: undefined }],
  ['localhost.corp.example', undefined, { ca: undefined }],
  ['127.0.0.1', undefined, false],
  ['::1', undefined, false],
  ['localhost', undefined, false],
  ['127.0.0.1', 'ca.pem', { ca: 'PEM of ca.pem' }],
  ['/run/postgresql', undefined, false],
] as const)
  test(`usagePostgresConfig() asks ${host} for TLS as it must${ca === undefined ? '' : ', with an authority'}`, () =>
    assert.deepEqual(asked(host, ca)?.tls, tls));

test('usagePostgresConfig() is nothing where usage lies elsewhere, or nowhere', () => {
  assert.equal(usagePostgresConfig({ usage: { retain: 1 } }, read), undefined);
  assert.equal(usagePostgresConfig({ usage: false }, read), undefined);
});
