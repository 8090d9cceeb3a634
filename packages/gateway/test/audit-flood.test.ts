/**
 * Strangers who cause refusals on purpose: the audit log has the first of them, how many came after these, and still
 * everything that others do.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { send, signIn, startTestGateway, type TestGateway, usersFile } from './harness.ts';

/** What a flood sends. */
interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What one address may cause of one kind. */
const bound = 200;
const flood = bound + 50;

/** With one thread or two: the bound is one for the process. */
async function start(threads: number): Promise<TestGateway> {
  return startTestGateway({
    threads,
    files: { 'users.yaml': await usersFile({ alice: [] }) },
    config: (upstream) => `
trusted_proxies: [127.0.0.1]
forward_auth: { proxy: nginx, from: [127.0.0.2] }
sign_in: [{ password: { users: users.yaml } }, { api_key: {} }]
apps:
  - name: desk
    host: 127.0.0.1
    upstream: ${upstream}
    cors: { origins: ["https://portal.corp.example"] }
    rules:
      - { path: /boss/**, groups: [bosses] }
      - { path: /**, signed_in: true }
  - { name: away, host: away.corp.example, upstream: "http://127.0.0.1:1", rules: [{ path: /**, public: true }] }
`,
  });
}

const from = (address: string) => ({ 'X-Forwarded-For': address, 'X-Forwarded-Proto': 'http' });
const preflight = { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'PUT' };

/** Each from an address of its own; `peer`: written down with the address of the proxy, as nothing in such a request is believed. */
const floods: readonly (readonly [
  what: string,
  kind: string,
  path: string,
  status: number,
  request: Sent,
  peer?: true,
])[] = [
  ['refused preflights', 'refused', '/x', 403, { method: 'OPTIONS', headers: preflight }],
  ['addresses that are nobody’s', 'refused', '/x', 404, { headers: { Host: 'nobody.corp.example' } }],
  ['endpoints that are not there', 'refused', '/auth/nothing', 404, {}],
  ['requests that can be read in two ways', 'refused', '/a%2fb', 400, {}, true],
  ['pages of another site', 'refused', '/x', 403, { method: 'POST', headers: { Origin: 'https://evil.example' } }],
  ['questions of proxies', 'refused', '/auth/validate', 404, {}, true],
  ['keys that are none', 'sign-in-failed', '/x', 401, { headers: { 'X-API-Key': 'cardea_none' } }],
  ['requests to an app that is down', 'upstream-failed', '/x', 502, { headers: { Host: 'away.corp.example' } }],
];

/** Sends it so many times from one address, some at a time. */
async function repeat(origin: string, path: string, request: Sent, address: string, count: number) {
  const statuses = new Set<number>();
  for (let done = 0; done < count; done += 25) {
    const headers = { ...request.headers, ...from(address) };
    const some = Array.from({ length: 25 }, () => send(`${origin}${path}`, { ...request, headers }));
    for (const { status } of await Promise.all(some)) statuses.add(status);
  }
  return [...statuses];
}

const strangers = (gateway: TestGateway, kind: string, address: string): number =>
  gateway.audit(kind).filter((event) => event['address'] === address && event['subject'] === undefined).length;

for (const threads of [1, 2])
  test(`no stranger fills the audit log, with ${threads} thread(s)`, async (t: TestContext) => {
    const gateway = await start(threads);
    let open = true;
    const close = async (): Promise<void> => {
      if (open) await gateway.close();
      open = false;
    };
    t.after(close);
    const { origin } = gateway;
    const alice = await signIn(origin, 'alice');
    for (const [i, [what, , path, status, request]] of floods.entries()) {
      const address = `192.0.2.${i + 1}`;
      assert.deepEqual(await repeat(origin, path, request, address, flood), [status], what);
    }
    // Another stranger, and people who have signed in, are written down as ever.
    await send(`${origin}/x`, { method: 'OPTIONS', headers: { ...preflight, ...from('198.51.100.1') } });
    await repeat(origin, '/boss/x', { headers: { Cookie: alice } }, '192.0.2.1', flood);
    const refusals = /cardea_refusals_total\{reason="cors-origin"\} (\d+)/.exec(
      (await send(`${gateway.admin}/metrics`)).body,
    );
    await close();

    assert.equal(Number(refusals?.[1]), flood + 1);
    const written = gateway.audit('refused');
    assert.equal(written.filter(({ reason }) => reason === 'cors-origin').length, bound + 1);
    assert.equal(written.filter(({ reason }) => reason === 'not-in-group').length, flood);
    // Of each kind and address as many as it may cause, and not one row more.
    const sent = new Map<string, number>();
    for (const [i, [, kind, , , , peer]] of floods.entries()) {
      const by = `${kind} ${peer === true ? '127.0.0.1' : `192.0.2.${i + 1}`}`;
      sent.set(by, (sent.get(by) ?? 0) + flood);
    }
    for (const kind of new Set(floods.map((one) => one[1]))) {
      const counts = [...sent]
        .filter(([by]) => by.startsWith(`${kind} `))
        .map(([by, count]) => [by.split(' ')[1] ?? '', count] as const);
      for (const [address] of counts) assert.equal(strangers(gateway, kind, address), bound, `${kind} of ${address}`);
      const [told, ...again] = gateway.audit('left-out').filter(({ of }) => of === kind);
      assert.equal(
        told?.['count'],
        counts.reduce((sum, [, count]) => sum + count - bound, 0),
        kind,
      );
      assert.deepEqual([told?.['addresses'], again], [counts.length, []]);
    }
  });
