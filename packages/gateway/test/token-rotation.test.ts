/** Turning the issuer's keys under load: nobody who keeps the key set for as long as is allowed refuses a token. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { openRedis, type RedisConnection } from '../src/stores/redis.ts';
import { signingKeysContract } from '../src/stores/signing-keys.contract.ts';
import { redisSigningKeys } from '../src/stores/signing-keys-redis.ts';
import { cardea } from './credentials.ts';
import { send, startTestGateway, type TestGateway, type TestOptions, until } from './harness.ts';
import { noRedis, startRedis, type TestRedis } from './redis.ts';
import { agentOf, linesToAll, startThreads } from './threads.ts';

const issuer = 'https://auth.corp.example';
const configured =
  (more = '') =>
  (upstream: string) =>
    `
sign_in:
  - trusted_header: { from: [127.0.0.0/8], header: X-User, default_domain: CORP }
  - bearer: { issuers: [{ issuer: "${issuer}", audience: desk }] }
${more.includes('redis:') ? more : ''}
issuer:
  url: ${issuer}
  ${more.includes('redis:') ? '' : more}
  clients: [{ id: desktop, audience: desk, groups: [] }]
apps: [{ name: desk, host: 127.0.0.1, upstream: "${upstream}", sign_in: [bearer], rules: [{ path: /**, signed_in: true }] }]
`;

type Asked = Pick<NonNullable<Parameters<typeof send>[1]>, 'agent'>;
async function issue({ origin }: TestGateway, options: Asked = {}): Promise<string> {
  const headers = { 'X-User': 'alice' };
  const { status, body } = await send(`${origin}/desktop/token`, { ...options, method: 'POST', headers });
  assert.equal(status, 200, body);
  return String(JSON.parse(body).access_token);
}
async function keySet({ origin }: TestGateway, options: Asked = {}): Promise<JSONWebKeySet & { maxAgeMs: number }> {
  const { body, headers } = await send(`${origin}/.well-known/jwks.json`, options);
  const [, seconds] = /max-age=(\d+)/.exec(headers['cache-control'] ?? '') ?? [];
  return { ...JSON.parse(body), maxAgeMs: Number(seconds) * 1_000 };
}
const kidsIn = ({ keys }: JSONWebKeySet): readonly string[] =>
  keys.filter(({ kid }) => (kid ?? '').length > 8).map(({ kid }) => kid ?? '');
const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? '';
const whoami = ({ origin }: TestGateway, token: string, options: Asked = {}) =>
  send(`${origin}/api/whoami`, { ...options, headers: { Authorization: `Bearer ${token}` } });

/** A service that keeps the key set for exactly as long as it may, and asks for none in between, whatever comes. */
class Verifier {
  #known: { readonly set: JSONWebKeySet; readonly until: number } | undefined;

  async verify(gateway: TestGateway, token: string, now: number): Promise<void> {
    if (this.#known === undefined || now >= this.#known.until) {
      const set = await keySet(gateway);
      this.#known = { set, until: now + set.maxAgeMs };
    }
    await jwtVerify(token, createLocalJWKSet(this.#known.set), {
      issuer,
      audience: 'desk',
      algorithms: ['RS256'],
      currentDate: new Date(now),
    });
  }
}

test('while keys turn, no token is refused by verifiers that keep the key set for as long as they may', async () => {
  let now = Date.now();
  const gateway = await startTestGateway({
    now: () => now,
    config: configured('keys: { rotate: 1h, publish_ahead: 10m }'),
  });
  try {
    const [first = ''] = kidsIn(await keySet(gateway));
    const verifiers = Array.from({ length: 10 }, () => new Verifier());
    const lately: { readonly token: string; readonly until: number }[] = [];
    const signers = new Set<string>();
    const step = 30_000;
    /** Load of one moment: new tokens, and those that are still good, at all verifiers. */
    const load = async (round: number): Promise<void> => {
      const tokens = await Promise.all(Array.from({ length: 4 }, () => issue(gateway)));
      for (const token of tokens) signers.add(kidOf(token));
      lately.push(...tokens.slice(0, 1).map((token) => ({ token, until: now + 1_800_000 })));
      const good = lately.filter(({ until: end }) => now < end).map(({ token }) => token);
      await Promise.all(
        [...tokens, ...good].map(async (token, i) => {
          // Each verifier has begun at another moment, and so asks at other moments than the others.
          const started = verifiers.slice(0, round + 1);
          await started[i % started.length]?.verify(gateway, token, now);
          assert.equal((await whoami(gateway, token)).status, 200);
        }),
      );
    };
    for (let round = 0; round < 8; round++, now += step) await load(round);
    // Just before the next key is due; the gateway looks at its own clock every two seconds.
    now += 3_600_000 - 600_000 - 8 * step;
    await until(async () => kidsIn(await keySet(gateway)).length === 2, 'the next key to be published');
    assert.equal(kidOf(await issue(gateway)), first);
    for (let round = 0; round < 40; round++, now += step) await load(round);
    assert.deepEqual(signers, new Set(kidsIn(await keySet(gateway))));
    assert.equal(signers.size, 2);

    // When nothing that the first has signed can be good any more, it goes.
    now += 1_800_000;
    await until(async () => kidsIn(await keySet(gateway)).length === 1, 'the first key to go');
    assert.notEqual(kidsIn(await keySet(gateway))[0], first);
  } finally {
    await gateway.close();
  }
});

test('all threads know a new key before one of them signs with it, under load, and one that is taken away is good nowhere', async () => {
  const gateway = await startThreads(2, { config: configured() });
  try {
    const lines = await linesToAll(gateway, 2);
    const agents = lines.map((line) => ({ agent: agentOf(line) }));
    const [first = ''] = kidsIn(await keySet(gateway, agents[0]));
    const load = { going: true };
    let count = 0;
    const refused: number[] = [];
    /** Tokens of one thread, shown to the other. */
    const run = async (from: Asked, to: Asked): Promise<void> => {
      while (load.going) {
        const { status } = await whoami(gateway, await issue(gateway, from), to);
        if (status !== 200) refused.push(status);
        count++;
      }
    };
    const [one = {}, two = {}] = agents;
    const loads = [run(one, two), run(two, one)];
    await cardea(gateway.folder, 'signing-keys', 'rotate');
    for (const agent of agents)
      await until(async () => kidsIn(await keySet(gateway, agent)).length === 2, 'both threads to publish it');
    const before = count;
    await until(() => count > before + 50, 'some more load');
    load.going = false;
    await Promise.all(loads);
    assert.deepEqual(refused, []);

    const old = await issue(gateway, one);
    assert.equal(kidOf(old), first);
    assert.equal((await whoami(gateway, old, two)).status, 200);
    await cardea(gateway.folder, 'signing-keys', 'retire', '--id', first);
    for (const agent of agents) {
      await until(async () => (await whoami(gateway, old, agent)).status === 401, 'its tokens to be refused');
      const next = await issue(gateway, agent);
      assert.notEqual(kidOf(next), first);
      assert.equal((await whoami(gateway, next, agent)).status, 200);
    }
    for (const { agent } of lines) agent.destroy();
  } finally {
    await gateway.close();
  }
});

test('keys are the same after a restart, and are not where somebody could read them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-tokens-'));
  try {
    const first = await startTestGateway({ folder, config: configured() });
    const [token, set] = [await issue(first), kidsIn(await keySet(first))];
    await first.close();
    const second = await startTestGateway({ folder, config: configured() });
    assert.deepEqual(kidsIn(await keySet(second)), set);
    assert.equal((await whoami(second, token)).status, 200);
    await second.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('another algorithm is taken over without a token that is refused: published first, and used later', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-tokens-'));
  const start = (options: Partial<TestOptions> = {}, more = '') =>
    startTestGateway({ folder, ...options, config: configured(more) });
  try {
    const first = await start();
    const token = await issue(first);
    await first.close();
    let now = Date.now();
    const second = await start({ now: () => now }, 'keys: { algorithm: EdDSA, publish_ahead: 10m }');
    assert.equal(decodeProtectedHeader(await issue(second)).alg, 'RS256');
    now += 600_000;
    const next = await issue(second);
    assert.equal(decodeProtectedHeader(next).alg, 'EdDSA');
    for (const one of [token, next]) assert.equal((await whoami(second, one)).status, 200);
    await second.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('keys of files sign from the moment on that the configuration says, on replicas that share nothing else', async () => {
  const pem = (): string =>
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const files = { 'one.pem': pem(), 'two.pem': pem() };
  let now = Date.now();
  const from = new Date(Math.ceil(now / 1_000) * 1_000 + 60_000).toISOString().replace('.000Z', 'Z');
  const config = configured(`keys: { files: [{ file: one.pem }, { file: two.pem, from: "${from}" }] }`);
  const replicas = [
    await startTestGateway({ files, config, now: () => now }),
    await startTestGateway({ files, config, now: () => now }),
  ] as const;
  try {
    const [one, other] = replicas;
    const set = kidsIn(await keySet(one));
    assert.deepEqual(kidsIn(await keySet(other)), set);
    const before = await issue(one);
    now += 120_000;
    const later = await issue(one);
    assert.deepEqual([kidOf(before), kidOf(later)], set);
    for (const token of [before, later]) assert.equal((await whoami(other, token)).status, 200);
    assert.match(await cardea(one.folder, 'signing-keys', 'list'), new RegExp(`${set[0]} +RS256 +signs`));
    await assert.rejects(cardea(one.folder, 'signing-keys', 'rotate'), /these keys are files/);
  } finally {
    for (const gateway of replicas) await gateway.close();
  }
});

suite('two replicas with one Redis', { skip: noRedis }, () => {
  let redis: TestRedis;
  let connection: RedisConnection;
  let count = 0;
  before(async () => {
    redis = await startRedis();
    connection = connect('test');
  });
  after(async () => {
    await connection.close();
    await redis.close();
  });
  const connect = (prefix: string): RedisConnection =>
    openRedis({ url: redis.url, prefix, timeoutMs: 2_000, onTrouble: () => {}, onRecovery: () => {} });

  if (noRedis === false)
    signingKeysContract('Redis', () => redisSigningKeys({ ...connection, key: (name) => `{test-${count++}}:${name}` }));

  test('have the same keys, take the tokens of each other, and hear of it when one has been revoked or a key has turned', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cardea-tokens-'));
    const options = { threads: 1, config: configured(`redis: { url: "${redis.url}" }`) };
    const first = await startTestGateway(options);
    mkdirSync(join(folder, 'state'), { mode: 0o700 });
    copyFileSync(join(first.folder, 'state/keys.json'), join(folder, 'state/keys.json'));
    const second = await startTestGateway({ ...options, folder });
    try {
      assert.deepEqual(kidsIn(await keySet(second)), kidsIn(await keySet(first)));
      const [token, other] = [await issue(first), await issue(second)];
      for (const gateway of [first, second])
        for (const one of [token, other]) assert.equal((await whoami(gateway, one)).status, 200);
      const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
      await cardea(second.folder, 'sessions', 'revoke', '--id', String(jti));
      for (const gateway of [first, second])
        await until(async () => (await whoami(gateway, token)).status === 401, 'the token to be refused');
      assert.equal((await whoami(first, other)).status, 200);
      await cardea(first.folder, 'signing-keys', 'rotate', '--now');
      for (const gateway of [first, second])
        await until(async () => kidsIn(await keySet(gateway)).length === 2, 'the new key on both');
      const [one, two] = [await issue(first), await issue(second)];
      assert.deepEqual([kidOf(one), kidOf(two)], [kidOf(two), kidsIn(await keySet(first))[1]]);
      assert.notEqual(kidOf(one), kidOf(other));
      assert.equal((await whoami(first, two)).status, 200);
      assert.equal((await whoami(second, one)).status, 200);
    } finally {
      await first.close();
      await second.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('tokens go on while Redis is down', async () => {
    const own = await startRedis();
    const gateway = await startTestGateway({ threads: 1, config: configured(`redis: { url: "${own.url}" }`) });
    try {
      const before = await issue(gateway);
      await own.kill();
      const later = await issue(gateway);
      for (const token of [before, later]) assert.equal((await whoami(gateway, token)).status, 200);
    } finally {
      await gateway.close();
      await own.close();
    }
  });
});
