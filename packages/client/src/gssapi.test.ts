import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gssapi, gssFault } from './gssapi.ts';
import type { GssLibrary, GssMechanism, GssStep } from './gssapi-library.ts';

const base = -1_765_328_384;
const failure = 0xd_0000;
const step = (more: Partial<GssStep> = {}): GssStep => ({
  major: 1,
  minor: 0,
  context: 7n,
  token: Uint8Array.from([1]),
  flags: 0,
  ...more,
});

/** A library that answers from a list, and keeps count of what it has given out. */
function library(...answers: readonly GssStep[]) {
  const open = new Set<string>();
  const asked: (readonly [context: bigint | null, mechanism: GssMechanism, input: number | undefined])[] = [];
  let next = 0;
  const own: GssLibrary = {
    importName: async (text) => {
      open.add(`name ${text}`);
      return { major: 0, minor: 0, name: 5n };
    },
    initSecContext: async (context, _name, mechanism, _flags, input) => {
      asked.push([context, mechanism, input?.length]);
      const answer = answers[next++] ?? assert.fail('asked too often');
      if (answer.context !== null) open.add(`context ${answer.context}`);
      return answer;
    },
    describe: (code, kind) => `${kind} ${code}`,
    releaseName: () => void open.delete('name HTTP@auth.corp.example'),
    deleteContext: (context) => void open.delete(`context ${context}`),
  };
  return { own, open, asked };
}

test('gssapi() gives the first token, and takes a reply that proves who the service is', async () => {
  const { own, open, asked } = library(step(), step({ major: 0, flags: 2 }));
  const handshake = await gssapi(own).begin('auth.corp.example');
  assert.deepEqual([...handshake.token], [1]);
  await handshake.finish(Uint8Array.from([1, 2, 3]));
  assert.deepEqual(asked, [
    [null, 'spnego', undefined],
    [7n, 'spnego', 3],
  ]);
  assert.equal(open.size, 2);
  handshake.close();
  assert.equal(open.size, 0);
});

const replies: readonly (readonly [what: string, answer: Partial<GssStep>, code: string])[] = [
  ['that proves nothing', { major: 0, flags: 0 }, 'mutual-authentication-failed'],
  ['that is forged', { major: failure, minor: base + 46 }, 'mutual-authentication-failed'],
  ['that nobody understands', { major: 0x9_0000 }, 'sign-on-failed'],
  ['that says that the clocks differ', { major: failure, minor: base + 37 }, 'clock-skew'],
  ['that wants more', { major: 1 }, 'sign-on-failed'],
];
for (const [what, answer, code] of replies)
  test(`gssapi() takes no reply ${what}: ${code}`, async () => {
    const { own } = library(step(), step(answer));
    const handshake = await gssapi(own).begin('auth.corp.example');
    await assert.rejects(handshake.finish(new Uint8Array()), { code });
  });

test('gssapi() asks Kerberos alone why SPNEGO has failed, and leaves nothing behind', async () => {
  const hidden = step({ major: failure, minor: 100_005, context: null, token: new Uint8Array() });
  const { own, open, asked } = library(hidden, step({ major: failure, minor: base + 7, context: 9n }));
  await assert.rejects(gssapi(own).begin('auth.corp.example'), {
    code: 'unknown-service',
    message: /HTTP\/auth\.corp\.example.*\(minor -1765328377\)/s,
  });
  assert.deepEqual([asked[1]?.[1], open.size], ['krb5', 0]);
});

test('gssapi() sends no NTLM, and tells why Kerberos did not work', async () => {
  const ntlm = step({ token: new TextEncoder().encode('..NNTLMSSP\0..') });
  const { own, open } = library(ntlm, step({ major: 0x7_0000, context: null }));
  await assert.rejects(gssapi(own).begin('auth.corp.example'), { code: 'no-ticket' });
  assert.equal(open.size, 0);
});

const faults: readonly (readonly [major: number, minor: number, fault: string])[] = [
  [failure, base + 7, 'unknown-service'],
  [failure, base + 32, 'ticket-expired'],
  [failure, base + 37, 'clock-skew'],
  [failure, base + 41, 'service-key'],
  [failure, base + 156, 'kdc-unreachable'],
  [0x7_0000, base + 141, 'no-ticket'],
  [0x7_0000, base + 195, 'no-ticket'],
  // As the library has it, without a sign.
  [failure, (base + 32) >>> 0, 'ticket-expired'],
  [0x7_0000, 0, 'no-ticket'],
  [0xb_0000, 0, 'ticket-expired'],
  [failure, base + 999, 'sign-on-failed'],
];
for (const [major, minor, fault] of faults)
  test(`gssFault() reads ${major.toString(16)} with ${minor} as ${fault}`, () =>
    assert.equal(gssFault(major, minor), fault));
