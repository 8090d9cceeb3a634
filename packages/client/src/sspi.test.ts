import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadKoffi } from './koffi.ts';
import { sspi } from './sspi.ts';
import { openSspiLibrary, type SspiLibrary, type SspiStep, tokenBuffers } from './sspi-library.ts';

const step = (more: Partial<SspiStep> = {}): SspiStep => ({
  status: 0x0009_0312,
  context: 7n,
  token: Uint8Array.from([1]),
  attributes: 0,
  ...more,
});

/** Stands in for secur32.dll, which is on Windows alone. */
function library(...answers: readonly SspiStep[]) {
  const open = new Set<string>();
  const asked: (readonly [context: bigint | null, target: string, input: number | undefined])[] = [];
  let next = 0;
  const own: SspiLibrary = {
    acquire: async () => {
      open.add('credential');
      return { status: 0, credential: 3n };
    },
    initialize: async (_credential, context, target, _flags, input) => {
      asked.push([context, target, input?.length]);
      const answer = answers[next++] ?? assert.fail('asked too often');
      if (answer.context !== null) open.add('context');
      return answer;
    },
    deleteContext: () => void open.delete('context'),
    freeCredential: () => void open.delete('credential'),
  };
  return { own, open, asked };
}

test('sspi() gives the first token, and takes a reply that proves who the service is', async () => {
  const { own, open, asked } = library(step(), step({ status: 0, attributes: 2 }));
  const handshake = await sspi(own).begin('auth.corp.example');
  await handshake.finish(Uint8Array.from([1, 2]));
  handshake.close();
  assert.deepEqual(asked, [
    [null, 'HTTP/auth.corp.example', undefined],
    [7n, 'HTTP/auth.corp.example', 2],
  ]);
  assert.equal(open.size, 0);
});

const first: readonly (readonly [what: string, answer: Partial<SspiStep>, code: string])[] = [
  ['knows no such service', { status: 0x8009_0303, context: null }, 'unknown-service'],
  ['has nobody signed in', { status: 0x8009_030e, context: null }, 'no-ticket'],
  ['finds no domain controller', { status: 0x8009_0311, context: null }, 'kdc-unreachable'],
  ['falls back to NTLM', { token: new TextEncoder().encode('NTLMSSP\0') }, 'unknown-service'],
  ['fails otherwise', { status: 0x8009_0304, context: null }, 'sign-on-failed'],
];
for (const [what, answer, code] of first)
  test(`sspi() says ${code} when Windows ${what}, and leaves nothing behind`, async () => {
    const { own, open } = library(step(answer));
    await assert.rejects(sspi(own).begin('auth.corp.example'), { code });
    assert.equal(open.size, 0);
  });

const replies: readonly (readonly [what: string, answer: Partial<SspiStep>, code: string])[] = [
  ['that proves nothing', { status: 0 }, 'mutual-authentication-failed'],
  ['that nobody understands', { status: 0x8009_0308 }, 'sign-on-failed'],
  ['that says that the clocks differ', { status: 0x8009_0324 }, 'clock-skew'],
  ['that wants more', { status: 0x0009_0312 }, 'sign-on-failed'],
];
for (const [what, answer, code] of replies)
  test(`sspi() takes no reply ${what}: ${code}`, async () => {
    const { own } = library(step(), step(answer));
    const handshake = await sspi(own).begin('auth.corp.example');
    await assert.rejects(handshake.finish(new Uint8Array()), { code });
  });

const koffi = loadKoffi();
const skip = koffi === undefined ? 'koffi is not installed' : false;

test('openSspiLibrary() finds nothing on a system without secur32.dll', { skip }, () => {
  if (koffi !== undefined && process.platform !== 'win32') assert.equal(openSspiLibrary(koffi), undefined);
});

test('tokenBuffers() lays a token out as Windows has it (SecBufferDesc, SecBuffer)', { skip }, () => {
  if (koffi === undefined) return;
  const buffer = tokenBuffers(koffi)(Uint8Array.from([9, 8, 7]));
  const bytes = new DataView(koffi.view(buffer.description, 16));
  assert.deepEqual([bytes.getUint32(0, true), bytes.getUint32(4, true)], [0, 1]);
  const one = new DataView(koffi.view(bytes.getBigUint64(8, true), 16));
  assert.deepEqual([one.getUint32(0, true), one.getUint32(4, true)], [3, 2]);
  const { length, value } = buffer.read();
  assert.deepEqual([length, value], [3, one.getBigUint64(8, true)]);
  assert.deepEqual([...new Uint8Array(koffi.view(value ?? 0n, 3))], [9, 8, 7]);
  buffer.free();
});
