import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AcceptedClient } from '../src/accept-ap-req.ts';
import type { AcceptResult } from '../src/accept-result.ts';
import { type Acceptor, createAcceptor } from '../src/acceptor.ts';
import { Etype, MechOid } from '../src/numbers.ts';
import type { ReplayCache } from '../src/replay-cache.ts';
import {
  type Account,
  createAccount,
  issueTicket,
  keytabOf,
  makeRequest,
  makeToken,
  type RequestBend,
  spnego,
  windowsMechs,
} from './initiator.ts';
import { fuzzRuns } from './mutate.ts';
import { type Difference, differences } from './token-differences.ts';
import { mutateBytes, mutateTree, Random } from './token-mutations.ts';

const now = Date.UTC(2026, 10, 22, 12, 0, 0, 250);
const runs = fuzzRuns(200_000);
const seed = Number(process.env['CARDEA_FUZZ_SEED'] ?? Date.now() % 0x7fffffff);
const account = createAccount({ etypes: [17, 18, 19, 20, 23] });

/** A replay cache that knows nothing and tells what it was asked. */
class RecordingCache implements ReplayCache {
  last: string | undefined;

  claim(key: string): boolean {
    this.last = key;
    return true;
  }
}

interface Genuine {
  readonly token: Uint8Array;
  readonly client: AcceptedClient;
  readonly replayKey: string | undefined;
}

const cache = new RecordingCache();
const acceptor: Acceptor = createAcceptor({ keytab: keytabOf(account), replayCache: cache });

async function genuine(token: Uint8Array): Promise<Genuine> {
  const result = await acceptor.accept(token, { now });
  assert.ok(result.kind === 'accepted');
  return { token, client: result.client, replayKey: cache.last };
}

const delegation = Buffer.alloc(1200, 0x76);
const tokens = [
  makeToken(account, now),
  makeToken(account, now, { mechTypes: windowsMechs, request: { mutual: true } }),
  makeToken(account, now, { ticket: { etype: Etype.aes128CtsHmacSha196 }, mechTypes: [MechOid.krb5, MechOid.ntlmssp] }),
  makeToken(account, now, { ticket: { etype: Etype.aes256CtsHmacSha384192, client: 'bob' } }),
  makeToken(account, now, { ticket: { etype: Etype.aes128CtsHmacSha256128, kvno: 'none' }, request: { delegation } }),
  makeRequest(issueTicket(account, now, { client: 'bob', pac: 'none' }), now, { mutual: true }).token,
];

/** Not a crash, not a wait, not a word too much. */
async function judge(token: Uint8Array): Promise<AcceptResult> {
  const started = performance.now();
  const result = await acceptor.accept(token, { now });
  assert.ok(performance.now() - started < 5_000, 'took more than five seconds');
  if (result.kind === 'failed') assert.match(result.failure.message, /^[^\p{C}\p{Zl}\p{Zp}]{10,900}$/u);
  return result;
}

const describe = (round: number, token: Uint8Array, owner: Account = account): string =>
  `seed ${seed}, round ${round}, token ${Buffer.from(token).toString('base64')}, keys ` +
  owner.entries.map(({ etype, key }) => `${etype}:${Buffer.from(key).toString('hex')}`).join(' ');

/** An accepted token is genuine in every part that anything protects, and the replay cache knows it for that one. */
function assertHarmless(original: Genuine, token: Uint8Array, client: AcceptedClient, round: number): void {
  const found = differences(original.token, token);
  assert.ok(!found.has('protected'), describe(round, token));
  assert.deepEqual(client, original.client, describe(round, token));
  assert.equal(cache.last, original.replayKey, describe(round, token));
}

for (const [name, mutate, share] of [
  ['bytes', mutateBytes, 0.5],
  ['grammar', mutateTree, 0.25],
] as const)
  test(`accept() signs nobody on by a token with altered ${name}, and accepts changes of unprotected parts only`, async () => {
    const originals = await Promise.all(tokens.map(genuineInTurn()));
    const random = new Random(seed);
    for (let round = 0; round < runs * share; round++) {
      const original = random.pick(originals);
      const token = mutate(random, original.token, tokens);
      const result = await judge(token);
      if (result.kind !== 'accepted') continue;
      // A mutation may have grafted the whole of another genuine token in.
      const source = originals.find(({ replayKey }) => replayKey === cache.last) ?? original;
      assertHarmless(source, token, result.client, round);
    }
  });

/** One after the other: the cache holds the last key only. */
function genuineInTurn(): (token: Uint8Array) => Promise<Genuine> {
  let turn: Promise<unknown> = Promise.resolve();
  return (token) => {
    const next = turn.then(() => genuine(token));
    turn = next;
    return next;
  };
}

const anyMutation = (random: Random, plain: Uint8Array): Uint8Array =>
  random.below(3) === 0 ? mutateBytes(random, plain, [plain]) : mutateTree(random, plain, [plain]);

test('accept() signs on no other than the client by an altered ticket under the right key', async () => {
  const random = new Random(seed);
  const { client } = await genuine(makeToken(account, now));
  for (let round = 0; round < runs * 0.1; round++) {
    const spoil = (plain: Uint8Array) => anyMutation(random, plain);
    const token = makeToken(account, now, { ticket: { spoil } });
    const result = await judge(token);
    if (result.kind === 'accepted') assertSameIdentity(client, result.client, describe(round, token));
  }
});

test('accept() lets an altered PAC through where it changes nothing: the KDC’s own checksum, which is not for us', async () => {
  const random = new Random(seed);
  const { client } = await genuine(makeToken(account, now));
  for (let round = 0; round < runs * 0.03; round++) {
    const spoilPac = (pac: Uint8Array) => mutateBytes(random, pac, [pac]);
    const token = makeToken(account, now, { ticket: { spoilPac } });
    const result = await judge(token);
    if (result.kind === 'accepted') assert.deepEqual(result.client.pac, client.pac, describe(round, token));
  }
});

test('accept() signs on no other than the client by an altered authenticator under the right key', async () => {
  const random = new Random(seed);
  const ticket = issueTicket(account, now);
  const { client } = await genuine(spnego(makeRequest(ticket, now)));
  const bends: readonly RequestBend[] = [{}, { mutual: true }, { delegation }, { subkeyEtype: 'none' }];
  for (let round = 0; round < runs * 0.12; round++) {
    const spoil = (plain: Uint8Array) => anyMutation(random, plain);
    const token = spnego(makeRequest(ticket, now, { ...random.pick(bends), spoil }));
    const result = await judge(token);
    if (result.kind === 'accepted') assertSameIdentity(client, result.client, describe(round, token));
  }
});

/** Whoever holds the service's key can change what it says, but a name needs its authenticator, and groups their PAC. */
function assertSameIdentity(expected: AcceptedClient, actual: AcceptedClient, message: string): void {
  assert.deepEqual(
    [actual.principal, actual.realm, actual.service],
    [expected.principal, expected.realm, expected.service],
    message,
  );
  if (actual.pac !== undefined) assert.deepEqual(actual.pac, expected.pac, message);
}

/**
 * How many single bits of the token can be flipped and it is still good, by part. All others make it worthless.
 * Mechanism lists: the OIDs after the first, and the one bit by which the two OIDs of Kerberos differ.
 */
const harmlessBits: Partial<Record<Difference, number>> = {
  'mech-types': 228,
  mech: 1,
  'ap-options': 31, // all but user-to-user
  'name-type': 8,
  'service-case': 18, // the letters of HTTP/app.corp.example
};

test('accept() of one token altered byte by byte: every bit, and what may be changed', async () => {
  const original = await genuine(makeToken(account, now, { mechTypes: windowsMechs }));
  const kinds = new Map<Difference, number>();
  for (let at = 0; at < original.token.length; at++)
    for (let bit = 0; bit < 8; bit++) {
      const token = Uint8Array.from(original.token);
      token[at] = (token[at] ?? 0) ^ (1 << bit);
      const result = await judge(token);
      if (result.kind !== 'accepted') continue;
      assertHarmless(original, token, result.client, at * 8 + bit);
      for (const kind of differences(original.token, token)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
  assert.deepEqual(Object.fromEntries(kinds), harmlessBits);
});
