import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../wire/http.ts';
import { type ReadingOptions, requestReader } from './request-context.ts';

const connection = (more: Partial<Connection> = {}): Connection => ({
  remoteAddress: '10.0.0.9',
  tls: false,
  certificateHash: undefined,
  memory: new Map(),
  ...more,
});
const options: ReadingOptions = {
  trusted: (address) => address === '10.0.0.1',
  mayBePlain: (address) => address === '10.0.0.1' || address === '127.0.0.1',
  stripIdentity: (fields) => ({ fields, removed: [] }),
};
const read = (peer: Partial<Connection>, fields: readonly string[] = []) =>
  requestReader(options)(
    {
      method: 'GET',
      target: '/',
      fields: ['Host', 'app.corp.example', ...fields],
      connection: connection(peer),
      upgrade: false,
    },
    0,
  );

test('requestReader() refuses plain HTTP from a peer that is neither here nor a trusted proxy', () => {
  const refused = read({});
  assert.equal('kind' in refused && refused.reason, 'plain-http-refused');
});

test('requestReader() takes TLS from anybody', () => {
  const context = read({ tls: true });
  assert.equal('origin' in context && context.origin, 'https://app.corp.example');
});

test('requestReader() takes plain HTTP from a trusted proxy, with the scheme that it tells', () => {
  const context = read({ remoteAddress: '10.0.0.1' }, ['X-Forwarded-Proto', 'https', 'X-Forwarded-For', '192.0.2.7']);
  assert.equal('origin' in context && context.origin, 'https://app.corp.example');
  assert.equal('address' in context && context.address, '192.0.2.7');
});
