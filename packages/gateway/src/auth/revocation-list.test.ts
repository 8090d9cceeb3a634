import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { until } from '../../test/until.ts';
import { type Revocation, type Revocations, providerSessionKey } from '../ports/revocations.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { revocationTables, sqliteRevocations } from '../stores/revocations-sqlite.ts';
import { clockLeewayMs, type Issued, RevocationList, revocation } from './revocation-list.ts';

const day = 86_400_000;
const start = 1_000 * day;

/** A real store whose answers can be withheld, as when it is down, and that can lose its memory. */
class Store implements Revocations {
  down = false;
  readOnly = false;
  settled = true;
  asked = 0;
  /** Entries handed out so far. */
  given = 0;
  #database = new DatabaseSync(':memory:');
  #inner: Revocations;
  #lives = 0;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    this.#database.exec(revocationTables);
    this.#inner = sqliteRevocations(this.#database, now);
  }

  loseMemory(): void {
    this.#database = new DatabaseSync(':memory:');
    this.#database.exec(revocationTables);
    this.#inner = sqliteRevocations(this.#database, this.#now);
    this.#lives++;
  }

  async changes(cursor: string | undefined) {
    this.asked++;
    if (this.down) throw new StoreUnavailable('it is down');
    const [life, number] = cursor?.split(' ') ?? [];
    const same = life === String(this.#lives);
    const changes = await this.#inner.changes(same ? number : undefined);
    this.given += changes.entries.length;
    return { ...changes, cursor: `${this.#lives} ${changes.cursor}`, startedOver: !same, settled: this.settled };
  }

  async add(entries: readonly Revocation[]): Promise<void> {
    if (this.down || this.readOnly) throw new StoreUnavailable('it is down');
    await this.#inner.add(entries);
  }

  close(): void {
    this.#database.close();
  }
}

interface World {
  now: number;
  readonly store: Store;
  readonly trouble: string[];
  readonly recovery: string[];
  /** Another list on the same store, as of another thread or replica; its clock may differ. */
  list(skewMs?: number): RevocationList;
}

function world(): World {
  const here: World = {
    now: start,
    store: new Store(() => here.now),
    trouble: [],
    recovery: [],
    list: (skewMs = 0) =>
      new RevocationList({
        store: here.store,
        now: () => here.now + skewMs,
        everyMs: 3_600_000, // the tests ask by `refresh`
        onTrouble: (message) => here.trouble.push(message),
        onRecovery: (message) => here.recovery.push(message),
      }),
  };
  return here;
}

const alice = (change: Partial<Issued> = {}): Issued => ({
  id: 'session-1',
  subject: 'S-1-5-21-1-2-3-1104',
  account: 'CORP\\alice',
  upn: 'alice@corp.example',
  provider: 'entra',
  providerSession: 'sid-1',
  issuedAt: start - day,
  ...change,
});
const bob: Issued = { id: 'session-2', subject: 'password:bob', account: 'bob', issuedAt: start - day };

test('RevocationList lets everybody pass of whom it has heard nothing', async () => {
  const list = world().list();
  assert.equal(await list.whenReady(1_000), true);
  assert.deepEqual([list.isRevoked(alice()), list.isRevoked(bob), list.isKeyRevoked('k')], [false, false, false]);
});

const cases: readonly (readonly [what: string, kind: Revocation['kind'], key: string])[] = [
  ['its id', 'session', 'session-1'],
  ["the person's subject", 'person', 'S-1-5-21-1-2-3-1104'],
  ["the person's account", 'person', 'CORP\\alice'],
  ["the person's account, respelled", 'person', ' corp\\ALICE'],
  ["the person's UPN", 'person', 'Alice@Corp.example'],
  ["the provider's session", 'provider-session', providerSessionKey('entra', 'sid-1')],
];
for (const [what, kind, key] of cases)
  test(`RevocationList ends a session by ${what}, at once here and after a question elsewhere, and no other one`, async () => {
    const here = world();
    const [one, other] = [here.list(), here.list()];
    await Promise.all([one.refresh(), other.refresh()]);
    assert.equal(await one.revoke({ kind, key, reason: 'administrator' }), 'shared');
    assert.deepEqual([one.isRevoked(alice()), other.isRevoked(alice())], [true, false]);
    await other.refresh();
    assert.deepEqual([other.isRevoked(alice()), other.reasonFor(alice())], [true, 'administrator']);
    assert.deepEqual([one.isRevoked(bob), other.isRevoked(bob)], [false, false]);
  });

test('RevocationList ends everybody', async () => {
  const list = world().list();
  await list.refresh();
  await list.revoke({ kind: 'everybody', key: '', reason: 'administrator' });
  assert.deepEqual([list.isRevoked(alice()), list.isRevoked(bob)], [true, true]);
});

test('RevocationList ends API keys by their id', async () => {
  const list = world().list();
  await list.refresh();
  await list.revoke({ kind: 'api-key', key: 'k1', reason: 'administrator' });
  assert.deepEqual([list.isKeyRevoked('k1'), list.isKeyRevoked('k2')], [true, false]);
});

test("RevocationList does not take one provider's session for another's, nor a session without one", async () => {
  const list = world().list();
  await list.refresh();
  await list.revoke({ kind: 'provider-session', key: providerSessionKey('entra', 'sid-1'), reason: 'x' });
  for (const change of [{ provider: 'other' }, { providerSession: 'sid-2' }, { provider: undefined }])
    assert.equal(list.isRevoked(alice(change)), false);
});

test('RevocationList ends what was issued in the very millisecond of the revocation', async () => {
  const list = world().list();
  await list.refresh();
  await list.revoke({ kind: 'person', key: 'CORP\\alice', reason: 'x' });
  assert.equal(list.isRevoked(alice({ issuedAt: start })), true);
  assert.equal(list.isRevoked(alice({ issuedAt: start + 0.9 })), true);
});

test('RevocationList lets in who signs in again, in the very millisecond of the revocation, on every replica', async () => {
  const here = world();
  const [one, other] = [here.list(), here.list(-8_000)];
  await Promise.all([one.refresh(), other.refresh()]);
  for (const [kind, key] of [
    ['person', 'CORP\\alice'],
    ['everybody', ''],
    ['provider-session', providerSessionKey('entra', 'sid-1')],
  ] as const)
    await one.revoke({ kind, key, reason: 'x' });
  await other.refresh();
  for (const list of [one, other]) {
    const issuedAt = list.earliestIssue(alice(), here.now);
    const again = alice({ id: 'session-3', issuedAt });
    assert.ok(issuedAt - here.now <= clockLeewayMs + 1);
    assert.deepEqual([one.isRevoked(again), other.isRevoked(again)], [false, false]);
  }
  assert.equal(one.earliestIssue(alice(), here.now + day), here.now + day);
});

test('RevocationList has another version when, and only when, more has been revoked', async () => {
  const here = world();
  const [one, other] = [here.list(), here.list()];
  await Promise.all([one.refresh(), other.refresh()]);
  const version = other.version;
  await other.refresh();
  assert.equal(other.version, version);
  const before = one.version;
  await one.revoke({ kind: 'session', key: 'session-1', reason: 'x' });
  assert.notEqual(one.version, before);
  await other.refresh();
  assert.notEqual(other.version, version);
  const after = other.version;
  here.store.loseMemory(); // all is read again, and nothing in it is new
  await one.refresh();
  await other.refresh();
  assert.equal(other.version, after);
});

test('RevocationList.upToDate() brings what was revoked elsewhere before, and does not ask a store that is known to be down', async () => {
  const here = world();
  const [one, other] = [here.list(), here.list()];
  await Promise.all([one.refresh(), other.refresh()]);
  await one.revoke({ kind: 'person', key: 'CORP\\alice', reason: 'x' });
  await other.upToDate();
  assert.equal(other.isRevoked(alice()), true);
  here.store.down = true;
  await other.upToDate(); // notices
  const { asked } = here.store;
  await other.upToDate();
  assert.equal(here.store.asked, asked);
  here.store.down = false;
  await other.refresh();
  await other.upToDate();
  assert.equal(here.store.asked, asked + 2);
});

test('RevocationList ends sessions that a replica has issued whose clock is ahead', async () => {
  const here = world();
  const [one, ahead] = [here.list(), here.list(clockLeewayMs)];
  await Promise.all([one.refresh(), ahead.refresh()]);
  const issued = alice({ issuedAt: here.now + clockLeewayMs + 0.5 });
  await one.revoke({ kind: 'person', key: 'CORP\\alice', reason: 'x' });
  await ahead.refresh();
  assert.deepEqual([one.isRevoked(issued), ahead.isRevoked(issued)], [true, true]);
});

test('RevocationList ends a session by its id whenever it was issued', async () => {
  const list = world().list();
  await list.refresh();
  await list.revoke({ kind: 'session', key: 'session-1', reason: 'x' });
  assert.equal(list.isRevoked(alice({ issuedAt: start + 100 * day })), true);
});

test('RevocationList forgets what has expired anyway, and not before any clock says so', async () => {
  const here = world();
  const list = here.list();
  await list.refresh();
  await list.revoke({ kind: 'session', key: 'session-1', reason: 'x', until: start + day });
  here.now = start + day + clockLeewayMs - 1;
  await list.refresh();
  assert.equal(list.isRevoked(alice()), true);
  here.now += 61_000;
  await list.refresh();
  assert.deepEqual([list.isRevoked(alice()), list.size], [false, 0]);
});

test('RevocationList remembers a person longer than the longest session can last', async () => {
  const here = world();
  const list = here.list();
  await list.refresh();
  await list.revoke({ kind: 'person', key: 'CORP\\alice', reason: 'x' });
  here.now = start + 30 * day;
  await list.refresh();
  assert.equal(list.isRevoked(alice()), true);
});

test('RevocationList does not forget sooner what is revoked once more for a shorter time', async () => {
  const here = world();
  const list = here.list();
  await list.refresh();
  here.store.down = true;
  const [kind, key, reason] = ['provider-session', providerSessionKey('entra', 'sid-1'), 'x'] as const;
  await list.revoke({ kind, key, reason, until: start + 2 * day });
  here.now += 1;
  await list.revoke({ kind, key, reason, until: start + 1 });
  here.now = start + day;
  here.store.down = false;
  await list.refresh();
  assert.equal(list.isRevoked(alice()), true);
});

test('RevocationList asks only for what is new', async () => {
  const here = world();
  const [one, other] = [here.list(), here.list()];
  await Promise.all([one.refresh(), other.refresh()]);
  for (const key of ['a', 'b', 'c']) await one.revoke({ kind: 'session', key, reason: 'x' });
  for (let i = 0; i < 5; i++) await other.refresh();
  assert.equal(here.store.given, 3);
});

test('RevocationList lets nobody in before it has a copy, keeps trying, and says so once', async () => {
  const here = world();
  here.store.down = true;
  const list = here.list();
  assert.equal(await list.whenReady(10), false);
  for (let i = 0; i < 3; i++) await list.refresh();
  assert.deepEqual(
    [list.ready, list.isRevoked(bob), list.isKeyRevoked('k'), list.currentAt],
    [false, true, true, undefined],
  );
  here.store.down = false;
  await list.refresh();
  assert.deepEqual([list.ready, list.isRevoked(bob), list.currentAt], [true, false, start]);
  assert.deepEqual([here.trouble.length, here.recovery.length], [1, 1]);
  assert.match(here.trouble[0] ?? '', /Nobody can be let in/);
});

test('RevocationList keeps its copy while the store is down, and catches up completely', async () => {
  const here = world();
  const [one, other] = [here.list(), here.list()];
  await Promise.all([one.refresh(), other.refresh()]);
  await one.revoke({ kind: 'session', key: 'session-1', reason: 'x' });
  await other.refresh();
  here.store.down = true;
  here.now += day;
  await other.refresh();
  assert.deepEqual([other.isRevoked(alice()), other.isRevoked(bob), other.currentAt], [true, false, start]);
  assert.equal(await one.revoke({ kind: 'person', key: 'bob', reason: 'x' }), 'pending');
  assert.deepEqual([one.isRevoked(bob), other.isRevoked(bob)], [true, false]);
  here.store.down = false;
  await one.refresh();
  await other.refresh();
  assert.equal(other.isRevoked(bob), true);
  assert.deepEqual([here.trouble.length, here.recovery.length], [2, 2]); // one of each list
});

test('RevocationList writes back what a store that lost its memory has forgotten, its own and what it had heard', async () => {
  const here = world();
  const [one, other] = [here.list(), here.list()];
  await Promise.all([one.refresh(), other.refresh()]);
  await one.revoke({ kind: 'session', key: 'session-1', reason: 'x' });
  await other.refresh();
  await other.revoke({ kind: 'person', key: 'bob', reason: 'x' });
  here.store.loseMemory();
  await other.refresh(); // alone: `one` has died
  const late = here.list();
  await late.refresh();
  assert.deepEqual([late.isRevoked(alice()), late.isRevoked(bob), late.size], [true, true, 2]);
});

test('RevocationList goes on trying to write back when that fails at first', async () => {
  const here = world();
  const list = here.list();
  await list.refresh();
  await list.revoke({ kind: 'session', key: 'session-1', reason: 'x' });
  here.store.loseMemory();
  here.store.readOnly = true;
  await list.refresh();
  here.store.readOnly = false;
  await list.refresh();
  const late = here.list();
  await late.refresh();
  assert.equal(late.isRevoked(alice()), true);
});

test('RevocationList does not trust a first copy from a store that has just lost its memory', async () => {
  const here = world();
  const one = here.list();
  await one.refresh();
  await one.revoke({ kind: 'session', key: 'session-1', reason: 'x' });
  here.store.loseMemory();
  here.store.settled = false;
  const late = here.list();
  await late.refresh();
  assert.deepEqual([late.ready, late.isRevoked(alice())], [false, true]);
  await one.refresh();
  here.store.settled = true;
  await late.refresh();
  assert.deepEqual([late.ready, late.isRevoked(alice()), late.isRevoked(bob)], [true, true, false]);
});

test('RevocationList tells listeners what is new, once, from here and from elsewhere', async () => {
  const here = world();
  const [one, other] = [here.list(), here.list()];
  await Promise.all([one.refresh(), other.refresh()]);
  const heard: string[] = [];
  const stop = other.onRevoked((entries) => heard.push(...entries.map(({ key }) => key)));
  await one.revoke({ kind: 'session', key: 'a', reason: 'x' }, { kind: 'session', key: 'b', reason: 'x' });
  await other.refresh();
  await other.refresh();
  await other.revoke({ kind: 'session', key: 'c', reason: 'x' });
  await other.refresh();
  stop();
  await other.revoke({ kind: 'session', key: 'd', reason: 'x' });
  assert.deepEqual(heard, ['a', 'b', 'c']);
});

test('RevocationList asks by itself, several times a second, and no more after it was closed', async () => {
  const here = world();
  const list = new RevocationList({
    store: here.store,
    now: () => here.now,
    everyMs: 5,
    onTrouble: () => {},
    onRecovery: () => {},
  });
  await until(() => here.store.asked > 5, 'some questions');
  await list.close();
  const { asked } = here.store;
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(here.store.asked, asked);
});

test('RevocationList writes at its end what could not be written before', async () => {
  const here = world();
  const list = here.list();
  await list.refresh();
  here.store.down = true;
  await list.revoke({ kind: 'session', key: 'session-1', reason: 'x' });
  here.store.down = false;
  await list.close();
  const late = here.list();
  await late.refresh();
  assert.equal(late.isRevoked(alice()), true);
});

test('RevocationList hears at once what others in the process have revoked, and tells the store when they could not', async () => {
  const all = world();
  const { store } = all;
  const [here, there] = [all.list(), all.list()];
  await Promise.all([here.refresh(), there.refresh()]);
  const entry = revocation({ kind: 'person', key: 'CORP\\alice', reason: 'test' }, all.now);
  const heard: string[] = [];
  here.onRevoked((entries) => heard.push(...entries.map(({ key }) => key)));
  store.down = true;
  here.hear([entry], false);
  assert.equal(here.isRevoked(alice()), true);
  here.hear([entry], true);
  here.hear([entry], true);
  assert.deepEqual(heard, [entry.key]);
  store.down = false;
  await here.refresh();
  await there.refresh();
  assert.equal(there.isRevoked(alice()), true);
  await Promise.all([here.close(), there.close()]);
});

test('RevocationList agrees with the plain meaning of its entries, whatever was revoked and forgotten in between', async () => {
  const names = ['alice', 'ALICE', 'bob', 'carol'];
  const step = fc.oneof(
    fc.record({ kind: fc.constant('person' as const), key: fc.constantFrom(...names) }),
    fc.record({ kind: fc.constant('session' as const), key: fc.constantFrom('1', '2', '3') }),
    fc.record({ kind: fc.constant('everybody' as const), key: fc.constant('') }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(3 * clockLeewayMs) }),
    fc.record({ kind: fc.constant('lose' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.array(fc.nat(5 * clockLeewayMs)), async (steps, issues) => {
      const here = world();
      const [one, other] = [here.list(), here.list()];
      await Promise.all([one.refresh(), other.refresh()]);
      const entries: Revocation[] = [];
      for (const action of steps) {
        if (action.kind === 'wait') here.now += action.ms;
        else if (action.kind === 'lose') here.store.loseMemory();
        else {
          entries.push(revocation({ ...action, reason: 'x' }, here.now));
          await one.revoke({ ...action, reason: 'x' });
        }
      }
      await one.refresh();
      await other.refresh();
      for (const [i, after] of issues.entries()) {
        const what = { id: String(i % 4), subject: names[i % 4] ?? '', account: 'x', issuedAt: start + after };
        const expected = entries.some(
          ({ kind, key, before }) =>
            (kind === 'session' && key === what.id) ||
            (kind === 'person' && key === what.subject.toLowerCase() && what.issuedAt < before) ||
            (kind === 'everybody' && what.issuedAt < before),
        );
        assert.deepEqual([one.isRevoked(what), other.isRevoked(what)], [expected, expected]);
      }
    }),
    { numRuns: 50 },
  );
});
