import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFiles } from '../files.ts';
import { checkConfig } from '../load.ts';

const problems = (settings: string): readonly string[] =>
  checkConfig(
    `${settings}
sign_in: [{ password: { users: users.yaml } }]
apps: [{ name: desk, host: desk.corp.example, upstream: "http://127.0.0.1:3000", rules: [{ path: /**, signed_in: true }] }]
`,
    'cardea.yaml',
    openFiles('.'),
    { env: {}, now: 0, withFiles: false },
  ).problems.map(({ path, message }) => `${path}: ${message}`);

test('checkForwardAuth() finds that nobody may ask, since no proxy is trusted', () => {
  assert.deepEqual(problems('forward_auth: { proxy: nginx }'), [
    'forward_auth: nobody may ask: trusted_proxies names no proxy',
  ]);
});

test('checkForwardAuth() finds an entry behind one that is for all proxies', () => {
  const settings = (first: string): string =>
    `trusted_proxies: [10.0.0.0/8]\nforward_auth: [{ proxy: nginx${first} }, { proxy: envoy }]`;
  assert.deepEqual(problems(settings('')), ['forward_auth[1]: the entry before it is for all proxies already']);
  assert.deepEqual(problems(settings(', from: [10.1.0.0/16]')), []);
});

test('checkForwardAuth() lets Envoy ask by gRPC beside others, and nobody else', () => {
  const entries = (...list: string[]): string => `trusted_proxies: [10.0.0.0/8]\nforward_auth: [${list.join(', ')}]`;
  const grpc = (proxy: string, port = 9191): string => `{ proxy: ${proxy}, grpc: { address: 127.0.0.1:${port} } }`;
  assert.deepEqual(problems(entries(grpc('envoy'), '{ proxy: nginx }', grpc('envoy', 9192))), []);
  assert.deepEqual(problems(entries(grpc('nginx'))), ['forward_auth[0].grpc: nginx does not ask by gRPC']);
  assert.deepEqual(problems(entries('{ proxy: nginx }', grpc('envoy'), '{ proxy: caddy }')), [
    'forward_auth[2]: the entry before it is for all proxies already',
  ]);
});

test('checkForwardAuth() finds an address for gRPC that is in use for something else', () => {
  const grpc = (port: number): string => `{ proxy: envoy, grpc: { address: 127.0.0.1:${port} } }`;
  const settings = (...ports: number[]): string =>
    `trusted_proxies: [10.0.0.0/8]\nforward_auth: [${ports.map(grpc).join(', ')}]`;
  assert.deepEqual(problems(settings(8080, 9464, 9191, 9191)), [
    'forward_auth[0].grpc.address: 127.0.0.1:8080 is in use for something else',
    'forward_auth[1].grpc.address: 127.0.0.1:9464 is in use for something else',
    'forward_auth[3].grpc.address: 127.0.0.1:9191 is in use for something else',
  ]);
});

test('checkCertificates() looks at the files of an address for gRPC', () => {
  const tls = 'tls: { cert: missing.pem, key: missing.key, client_ca: missing-ca.pem }';
  const text = `trusted_proxies: [127.0.0.1]\nforward_auth: { proxy: envoy, grpc: { address: 127.0.0.1:9191, ${tls} } }\napps: []\n`;
  const { problems: found } = checkConfig(text, 'cardea.yaml', openFiles('.'), { env: {}, now: 0, withFiles: true });
  const paths = found.map(({ path }) => path).filter((path) => path.startsWith('forward_auth'));
  assert.deepEqual(
    ['cert', 'key', 'client_ca'].filter((part) => paths.some((path) => path.endsWith(`grpc.tls.${part}`))),
    ['cert', 'key', 'client_ca'],
  );
});
