/**
 * Three `cardea serve` with one Redis, which keeps what it knows when it is restarted, in front of one backend.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CardeaProcess, startCardea } from '../../packages/gateway/test/cardea-process.ts';
import { makeKey } from '../../packages/gateway/test/credentials.ts';
import { send } from '../../packages/gateway/test/harness.ts';
import { startRedis, type TestRedis } from '../../packages/gateway/test/redis.ts';
import { until } from '../../packages/gateway/test/until.ts';
import { openKeys } from '../../packages/gateway/src/stores/key-file.ts';
import { openRedis, type RedisConnection } from '../../packages/gateway/src/stores/redis.ts';
import { type CountingBackend, startCountingBackend } from './counting-backend.ts';

const issuer = 'https://auth.corp.example';
const prefix = 'three';

/** One app in front of the backend. */
export interface ThreeApp {
  readonly name: string;
  readonly host: string;
  /** The section `limits`. */
  readonly limits: string;
}

export interface ThreeGateways {
  readonly redis: TestRedis;
  readonly backend: CountingBackend;
  /** Their addresses as they are now. */
  origins(): readonly string[];
  /** Ends one by `kill -9`. */
  kill(gateway: number): Promise<void>;
  /** Starts one that was killed, on its state. */
  restart(gateway: number): Promise<void>;
  /** Fields for a person: a token of the issuer. */
  person(name: string): Promise<Readonly<Record<string, string>>>;
  /** Fields for a program: an API key. */
  program(name: string): Promise<Readonly<Record<string, string>>>;
  /** Keys of leases in Redis, and how many leases there are in them. */
  leases(): Promise<{ readonly keys: number; readonly leases: number }>;
  /** Milliseconds of CPU time that each of those that run has used. */
  cpuMs(): readonly number[];
  close(): Promise<void>;
}

/** Starts all of it. */
export async function startThreeGateways(apps: readonly ThreeApp[]): Promise<ThreeGateways> {
  const [redis, backend] = await Promise.all([startRedis(['--appendonly', 'yes']), startCountingBackend()]);
  const config = `threads: 2
audit: { stdout: false }
redis: { url: "${redis.url}", prefix: ${prefix}, timeout: 1s }
issuer:
  url: ${issuer}
  clients: [{ id: desktop, audience: llm, groups: [] }]
sign_in:
  - trusted_header: { from: [127.0.0.0/8], header: X-Remote-User, default_domain: CORP }
  - bearer: { issuers: [{ issuer: "${issuer}", audience: [llm] }] }
  - api_key: {}
apps:${apps
    .map(
      ({ name, host, limits }) => `
  - name: ${name}
    host: ${host}
    upstream: { url: "${backend.origin}", credential: "\${file:backend-key}" }
    sign_in: [bearer, api_key]
    headers: { user: X-Orion-User }
    rules: [{ path: /v1/**, signed_in: true }]
    limits: ${limits}`,
    )
    .join('')}
`;
  const files = { 'state/keys.json': keysOfAll(), 'backend-key': backend.key };
  const gateways: CardeaProcess[] = await Promise.all([0, 1, 2].map(() => startCardea(config, files)));
  const looking: RedisConnection = openRedis({
    url: redis.url,
    prefix,
    timeoutMs: 2_000,
    onTrouble: () => {},
    onRecovery: () => {},
  });
  const at = (gateway: number): CardeaProcess => {
    const found = gateways[gateway];
    if (found === undefined) throw new RangeError(`There is no gateway ${gateway}`);
    return found;
  };

  return {
    redis,
    backend,
    origins: () => gateways.map(({ origin }) => origin),
    async kill(gateway) {
      at(gateway).signal('SIGKILL');
      await at(gateway).ended;
    },
    async restart(gateway) {
      gateways[gateway] = await startCardea(config, {}, 0, at(gateway).folder);
    },
    async person(name) {
      const { status, body } = await send(`${at(0).origin}/desktop/token`, {
        method: 'POST',
        headers: { Host: new URL(issuer).host, 'X-Remote-User': name, 'Content-Type': 'application/json' },
        body: '{"client_id":"desktop"}',
      });
      assert.equal(status, 200, body);
      const { access_token: token } = JSON.parse(body);
      return { Authorization: `Bearer ${token}` };
    },
    program: async (name) => ({ Authorization: `Bearer ${await makeKey(at(0).folder, name)}` }),
    async leases() {
      const answers = (): Promise<boolean> =>
        looking.ping().then(
          () => true,
          () => false,
        );
      await until(answers, 'Redis to be back');
      return looking.run(async (client) => {
        const keys = await client.keys(`{${prefix}}:limit:*:c`);
        const counts = await Promise.all(keys.map((key) => client.zcount(key, Date.now(), '+inf')));
        return { keys: keys.length, leases: counts.reduce((sum, count) => sum + count, 0) };
      });
    },
    cpuMs: () => gateways.map((one) => one.usage().cpuMs),
    async close() {
      await looking.close();
      await Promise.all(gateways.map((one) => one.remove()));
      backend.close();
      await redis.close();
    },
  };
}

/** The key file that all of them start with, as replicas do. */
function keysOfAll(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-keys-'));
  try {
    openKeys(folder, Date.now());
    return readFileSync(join(folder, 'keys.json'), 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
