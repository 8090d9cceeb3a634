import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { RevocationList } from '../auth/revocation-list.ts';
import { startSession, type Session } from '../auth/session.ts';
import type { Identity } from '../core/identity.ts';
import { compilePolicy } from '../policy/compile.ts';
import type { Rule } from '../policy/rule.ts';
import { subjectOf } from '../policy/subject.ts';
import { replacedBy } from '../ports/revocations.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { App } from './apps.ts';
import { anApp, aPlan } from './endpoints/endpoints-testing.ts';
import type { Live } from './live.ts';
import type { Holder, Standing } from './standing.ts';
import { closeCodeOf, type StreamEnd, streamEnds } from './stream-ends.ts';
import { Streams, type StreamRules, usualStreams } from './streams.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const begin = Date.UTC(2026, 10, 23, 12); // a Monday

const alice: Identity = {
  subject: 'S-1-5-21-1-2-3-1103',
  account: 'CORP\\alice',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: [],
  groups: ['desk'],
  method: 'negotiate',
  authenticatedAt: begin - hour,
  expiresAt: begin + 7 * hour,
};
const bob: Identity = { ...alice, subject: 'S-1-5-21-1-2-3-1104', account: 'CORP\\bob' };

/** One thread's streams with a clock of their own. */
class Stage {
  now = begin;
  /** What is found when somebody is looked at again; by default the same as before. */
  find: (holder: Holder) => Promise<Standing> = async (holder) => found(liveOf(holder.session));
  successors = new Map<string, () => Promise<Standing>>();
  /** Ids of the sessions that were looked at. */
  looks: string[] = [];
  deferred: (() => void)[] = [];
  /** Whom others were told of, and when other threads know. */
  outdated: string[] = [];
  told: Promise<void> = Promise.resolve();
  readonly streams: Streams;
  readonly list: RevocationList;
  readonly places = new Map<string, number>();

  constructor(list: RevocationList) {
    this.list = list;
    this.streams = new Streams({
      standings: {
        of: (holder) => {
          this.looks.push(holder.session.id);
          return this.find(holder);
        },
        successor: (id) => {
          this.looks.push(id);
          return this.successors.get(id)?.() ?? Promise.resolve({ kind: 'gone' });
        },
      },
      revocations: list,
      people: {
        enter: (key, limit) => {
          const open = this.places.get(key) ?? 0;
          if (open >= limit) return false;
          this.places.set(key, open + 1);
          return true;
        },
        leave: (key) => void this.places.set(key, (this.places.get(key) ?? 0) - 1),
      },
      onOutdated: (subject, at) => {
        this.outdated.push(`${subject} ${at - begin}`);
        return this.told;
      },
      now: () => this.now,
      random: () => 1,
      defer: (work) => void this.deferred.push(work),
    });
  }

  /** Lets everything happen that is due, with all turns of the event loop that it takes. */
  async settle(): Promise<void> {
    this.streams.tick();
    for (let turn = 0; turn < 50; turn++) {
      for (const work of this.deferred.splice(0)) work();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Time goes by, in steps of the timer. */
  async pass(ms: number, stepMs = 10 * second): Promise<void> {
    const until = this.now + ms;
    while (this.now < until) {
      this.now = Math.min(until, this.now + stepMs);
      await this.settle();
    }
  }

  /** Opens a stream; `ends` has why it was ended. */
  open(live: Live | undefined, app = appWith({})): { readonly ends: StreamEnd[]; readonly close: () => void } {
    const ends: StreamEnd[] = [];
    const end = (why: StreamEnd): void => void ends.push(why);
    const close = this.streams.open({ app, live, method: 'GET', path: '/ws', address: '10.1.2.3', end });
    return { ends, close };
  }
}

const appWith = (streams: Partial<StreamRules>, ...rules: Rule[]): App => ({
  ...anApp('desk', '/', aPlan(['negotiate'], [])),
  streams: { ...usualStreams, ...streams },
  policy: compilePolicy(rules.length > 0 ? rules : [{ path: '/**', groups: ['desk'] }]),
});

const sessionOf = (identity: Identity, provider = 'negotiate'): Session => startSession(identity, begin, { provider });

function liveOf(session: Session, groups: readonly string[] = session.identity.groups): Live {
  const identity = { ...session.identity, groups };
  const subject = subjectOf(identity, {}, { provider: session.provider });
  return { session, identity, subject, note: undefined, namedAt: begin, passing: false, headers: new Map() };
}
const found = (live: Live, outage = false): Standing => ({ kind: 'ok', live, outage });

let stage: Stage;

beforeEach(async (t) => {
  const store = {
    changes: () => ({ entries: [], cursor: '0', more: false, startedOver: false, settled: true }),
    add: () => {},
    close: () => {},
  };
  let current: Stage | undefined;
  const list = new RevocationList({
    store,
    now: () => current?.now ?? begin,
    onTrouble: () => {},
    onRecovery: () => {},
  });
  await list.whenReady(1_000);
  current = new Stage(list);
  stage = current;
  if ('after' in t) t.after(() => list.close());
});

test('Streams leaves a stream open whose sign-in goes on, and looks again once in each interval', async () => {
  const { ends } = stage.open(liveOf(sessionOf(alice)));
  await stage.pass(10 * minute);
  assert.deepEqual(ends, []);
  assert.ok(stage.looks.length >= 10 && stage.looks.length <= 12, `${stage.looks.length} looks in ten minutes`);
});

for (const [what, reason, why] of [
  ['signed out', 'signed-out', 'signed-out'],
  ['revoked by an administrator', 'administrator', 'session-revoked'],
  ['replaced by the session of somebody else', 'replaced', 'replaced'],
] as const)
  test(`Streams ends all streams of a session at once that is ${what}, and nobody else's`, async () => {
    const session = sessionOf(alice);
    const two = [stage.open(liveOf(session)), stage.open(liveOf(session))];
    const other = stage.open(liveOf(sessionOf(bob)));
    void stage.list.revoke({ kind: 'session', key: session.id, reason });
    // In the same turn: nothing was waited for.
    assert.deepEqual(
      two.map(({ ends }) => ends),
      [[why], [why]],
    );
    await stage.settle();
    assert.deepEqual(other.ends, []);
    assert.equal(closeCodeOf(why), 4401);
  });

test('Streams ends the streams of a person, of a session at the provider, and of everybody', async () => {
  const provided = { ...sessionOf(bob, 'entra'), providerSession: 'sid-1' };
  const [one, two, three] = [
    stage.open(liveOf(sessionOf(alice))),
    stage.open(liveOf(provided)),
    stage.open(liveOf(sessionOf({ ...bob, subject: 'x', account: 'CORP\\carol' }))),
  ];
  void stage.list.revoke({ kind: 'person', key: 'corp\\ALICE', reason: 'administrator' });
  assert.deepEqual([one.ends, two.ends, three.ends], [['session-revoked'], [], []]);
  void stage.list.revoke({ kind: 'provider-session', key: 'entra|sid-1', reason: 'backchannel-logout' });
  assert.deepEqual([two.ends, three.ends], [['session-revoked'], []]);
  void stage.list.revoke({ kind: 'everybody', key: '', reason: 'administrator' });
  assert.deepEqual(three.ends, ['session-revoked']);
});

test('Streams ends what was revoked while the app was still being asked', async () => {
  const session = sessionOf(alice);
  void stage.list.revoke({ kind: 'session', key: session.id, reason: 'administrator' });
  const { ends } = stage.open(liveOf(session));
  assert.deepEqual(ends, [], 'not before the caller knows of it');
  await stage.settle();
  assert.deepEqual(ends, ['session-revoked']);
});

test('Streams ends the streams of everybody in several turns of the event loop, however many they are', async () => {
  const all = Array.from({ length: 1_000 }, (_, i) =>
    stage.open(liveOf(sessionOf({ ...alice, subject: `${i}`, account: `CORP\\${i}` }))),
  );
  await stage.settle();
  void stage.list.revoke({ kind: 'everybody', key: '', reason: 'administrator' });
  const ended = (): number => all.filter(({ ends }) => ends.length > 0).length;
  const steps = [ended()];
  while (stage.deferred.length > 0) {
    for (const work of stage.deferred.splice(0)) work();
    steps.push(ended());
  }
  assert.equal(ended(), 1_000);
  assert.ok(
    steps.every((sum, i) => sum - (steps[i - 1] ?? 0) <= 50),
    String(steps),
  );
});

test('Streams ends a stream at the absolute end of its session, and not at the idle limit', async () => {
  const { ends } = stage.open(liveOf(sessionOf(alice)));
  await stage.pass(7 * hour - second, minute);
  assert.deepEqual(ends, []);
  await stage.pass(2 * second, second);
  assert.deepEqual(ends, ['session-expired']);
});

test('Streams ends a stream at the longest life that its app gives it', async () => {
  const session = sessionOf(alice);
  const [short, long] = [stage.open(liveOf(session), appWith({ maxLifetimeMs: hour })), stage.open(liveOf(session))];
  await stage.pass(hour + second, minute);
  assert.deepEqual([short.ends, long.ends], [['max-lifetime'], []]);
});

test('Streams ends a stream with 4403 within the interval when the person has left the group', async () => {
  const { ends } = stage.open(liveOf(sessionOf(alice)));
  await stage.pass(5 * minute);
  stage.find = async ({ session }) => found(liveOf(session, ['other']));
  await stage.pass(minute);
  assert.deepEqual(ends, ['no-longer-allowed']);
  assert.equal(closeCodeOf('no-longer-allowed'), 4403);
});

test('Streams ends nothing of somebody who has left the group before all threads know that, and tells of nobody else', async () => {
  const told = Promise.withResolvers<void>();
  stage.told = told.promise;
  const left = [stage.open(liveOf(sessionOf(alice))), stage.open(liveOf(sessionOf(bob)))];
  const limited = appWith({}, { path: '/**', groups: ['desk'], between: ['mon 11:00-12:00 UTC'] });
  const late = stage.open(liveOf(sessionOf({ ...bob, subject: 'x' })), limited);
  stage.find = async ({ session }) =>
    session.identity.subject === bob.subject ? found(liveOf(session, []), true) : found(liveOf(session, []));
  await stage.pass(minute);
  assert.deepEqual(
    left.map(({ ends }) => ends),
    [[], []],
  );
  told.resolve();
  await stage.settle();
  assert.deepEqual([left[0]?.ends, left[1]?.ends], [['no-longer-allowed'], []]);
  assert.deepEqual(stage.outdated, [`${alice.subject} ${minute}`]);
  assert.deepEqual(late.ends, ['no-longer-allowed']);
});

test('Streams tells of somebody whose credential is not taken any more, and of no session that is gone', async () => {
  const app = appWith({}, { path: '/**', signed_in: true });
  const [session, credential] = [stage.open(liveOf(sessionOf(bob)), app), stage.open(passing(key), app)];
  stage.find = async () => ({ kind: 'gone' });
  await stage.pass(minute);
  assert.deepEqual([session.ends, credential.ends], [['session-revoked'], ['credential-revoked']]);
  assert.deepEqual(
    stage.outdated.map((line) => line.split(' ')[0]),
    [key.subject],
  );
});

for (const [what, rule, why] of [
  ['the hours', { path: '/**', groups: ['desk'], between: ['mon 11:00-12:30 UTC'] }, 'no-longer-allowed'],
  ['the age of the sign-in', { path: '/**', groups: ['desk'], max_age: 90 * minute }, 'sign-in-too-old'],
] as const)
  test(`Streams judges by the rules as they apply now: ${what}`, async () => {
    const person = { ...alice, provenAt: begin - hour };
    const { ends } = stage.open(liveOf(sessionOf(person)), appWith({}, rule));
    await stage.pass(29 * minute);
    assert.deepEqual(ends, []);
    await stage.pass(3 * minute);
    assert.deepEqual(ends, [why]);
  });

test('Streams watches over a stream of nobody as well: the hours, and its life', async () => {
  const open = appWith({ maxLifetimeMs: hour }, { path: '/**', public: true });
  const limited = appWith({}, { path: '/**', public: true, between: ['mon 11:00-12:30 UTC'] });
  const [one, two] = [stage.open(undefined, open), stage.open(undefined, limited)];
  await stage.pass(32 * minute);
  assert.deepEqual([one.ends, two.ends], [[], ['no-longer-allowed']]);
  await stage.pass(30 * minute);
  assert.deepEqual(one.ends, ['max-lifetime']);
  assert.deepEqual(stage.looks, []);
});

test('Streams ends a stream whose session is gone without a word', async () => {
  const { ends } = stage.open(liveOf(sessionOf(alice)));
  stage.find = async () => ({ kind: 'gone' });
  await stage.pass(minute);
  assert.deepEqual(ends, ['session-revoked']);
});

const outages: readonly (readonly [what: string, find: Stage['find']])[] = [
  ['the store', () => Promise.reject(new StoreUnavailable('down'))],
  ['the directory, so that groups are missing', async ({ session }) => found(liveOf(session, []), true)],
];
for (const [what, find] of outages)
  test(`Streams keeps a stream through an outage, and not for ever: ${what}`, async () => {
    const usual = stage.find;
    const { ends } = stage.open(liveOf(sessionOf(alice)), appWith({ keepForMs: 5 * minute }));
    await stage.pass(2 * minute);
    stage.find = find;
    await stage.pass(5 * minute);
    assert.deepEqual(ends, [], 'a blip ends nothing');
    stage.find = usual;
    await stage.pass(minute);
    stage.find = find;
    await stage.pass(5 * minute);
    assert.deepEqual(ends, [], 'what was found out meanwhile counts');
    await stage.pass(90 * second);
    assert.deepEqual(ends, ['unverifiable']);
  });

test('Streams ends a stream on time while whoever is asked does not answer at all', async () => {
  const { ends } = stage.open(liveOf(sessionOf(alice)), appWith({ keepForMs: 5 * minute }));
  stage.find = () => new Promise(() => {});
  await stage.pass(6 * minute + second);
  assert.deepEqual(ends, ['unverifiable']);
});

test('Streams does not take a machine that has slept for an outage', async () => {
  const { ends } = stage.open(liveOf(sessionOf(alice)));
  await stage.pass(2 * minute);
  stage.now += 2 * hour;
  await stage.settle();
  await stage.pass(10 * minute);
  assert.deepEqual(ends, []);
});

test('Streams ends a stream in an outage all the same for what has nothing to do with it', async () => {
  const rule = { path: '/**', groups: ['desk'], between: ['mon 11:00-12:05 UTC'] };
  const { ends } = stage.open(liveOf(sessionOf(alice)), appWith({}, rule));
  stage.find = async ({ session }) => found(liveOf(session), true);
  await stage.pass(7 * minute);
  assert.deepEqual(ends, ['no-longer-allowed']);
});

test('Streams goes on with the session that the same person has begun in the place of the old one, and ends with it', async () => {
  const [old, next] = [sessionOf(alice), sessionOf({ ...alice, expiresAt: begin + 9 * hour })];
  const { ends } = stage.open(liveOf(old));
  stage.successors.set(next.id, async () => found(liveOf(next)));
  void stage.list.revoke({ kind: 'session', key: old.id, reason: replacedBy(next.id) });
  await stage.settle();
  assert.equal(stage.looks.at(-1), next.id, 'at once, and not at the next look');
  await stage.pass(7 * hour + minute, minute);
  assert.deepEqual(ends, []);
  assert.equal(stage.looks.at(-1), next.id);
  void stage.list.revoke({ kind: 'session', key: next.id, reason: 'signed-out' });
  assert.deepEqual(ends, ['signed-out']);
});

test('Streams of an old session and of the one in its place are one watch', async () => {
  const [old, next] = [sessionOf(alice), sessionOf(alice)];
  const streams = [stage.open(liveOf(old)), stage.open(liveOf(next))];
  stage.successors.set(next.id, async () => found(liveOf(next)));
  void stage.list.revoke({ kind: 'session', key: old.id, reason: replacedBy(next.id) });
  await stage.settle();
  assert.equal(stage.streams.size, 1);
  void stage.list.revoke({ kind: 'session', key: next.id, reason: 'signed-out' });
  assert.deepEqual(
    streams.map(({ ends }) => ends),
    [['signed-out'], ['signed-out']],
  );
});

test('Streams follows a chain of sessions, and ends when one of several that began at once is signed out', async () => {
  const [one, two, three, four] = [sessionOf(alice), sessionOf(alice), sessionOf(alice), sessionOf(alice)];
  const { ends } = stage.open(liveOf(one));
  stage.successors.set(three.id, async () => found(liveOf(three)));
  stage.successors.set(four.id, async () => found(liveOf(four)));
  // The one in the middle is over before it was looked up.
  void stage.list.revoke({ kind: 'session', key: two.id, reason: replacedBy(three.id) });
  void stage.list.revoke({ kind: 'session', key: one.id, reason: replacedBy(two.id) });
  await stage.settle();
  assert.deepEqual(ends, []);
  stage.now += second;
  void stage.list.revoke({ kind: 'session', key: one.id, reason: replacedBy(four.id) });
  await stage.settle();
  assert.deepEqual(ends, []);
  // The browser may have kept the third one.
  assert.equal(stage.looks.at(-1), four.id);
  void stage.list.revoke({ kind: 'session', key: three.id, reason: 'signed-out' });
  assert.deepEqual(ends, ['signed-out']);
});

test('Streams of several sessions that began at once end with any of them, also where they have become one watch', async () => {
  const [old, next, other] = [sessionOf(alice), sessionOf(alice), sessionOf(alice)];
  const streams = [stage.open(liveOf(old)), stage.open(liveOf(next))];
  for (const one of [next, other]) stage.successors.set(one.id, async () => found(liveOf(one)));
  void stage.list.revoke({ kind: 'session', key: old.id, reason: replacedBy(other.id) });
  stage.now += second;
  void stage.list.revoke({ kind: 'session', key: old.id, reason: replacedBy(next.id) });
  await stage.settle();
  void stage.list.revoke({ kind: 'session', key: other.id, reason: replacedBy(next.id) });
  await stage.settle();
  assert.equal(stage.streams.size, 1);
  stage.now += second;
  void stage.list.revoke({ kind: 'session', key: old.id, reason: 'administrator' });
  assert.deepEqual(
    streams.map(({ ends }) => ends),
    [['session-revoked'], ['session-revoked']],
  );
});

test('Streams does not go on with a session of somebody else, whatever the list says', async () => {
  const [old, next] = [sessionOf(alice), sessionOf(bob)];
  const { ends } = stage.open(liveOf(old));
  stage.successors.set(next.id, async () => found(liveOf(next)));
  void stage.list.revoke({ kind: 'session', key: old.id, reason: replacedBy(next.id) });
  await stage.settle();
  assert.deepEqual(ends, ['replaced']);
});

test('Streams waits a while for a session that cannot be looked up now', async () => {
  const [old, next] = [sessionOf(alice), sessionOf(alice)];
  const { ends } = stage.open(liveOf(old));
  let down = true;
  stage.successors.set(next.id, async () => {
    if (down) throw new StoreUnavailable('down');
    return found(liveOf(next));
  });
  void stage.list.revoke({ kind: 'session', key: old.id, reason: replacedBy(next.id) });
  await stage.pass(3 * minute);
  down = false;
  await stage.pass(10 * minute);
  assert.deepEqual(ends, []);
});

const key: Identity = { ...alice, subject: 'api_key:k1', account: 'key:robot', method: 'api_key' };
const passing = (identity: Identity, more: Partial<Live> = {}): Live => {
  const session = { ...sessionOf(identity, identity.method), id: `${identity.method}:${identity.subject}` };
  const live = { ...liveOf(session), passing: true, ...more };
  return { ...live, subject: { ...live.subject, credentials: new Set([identity.method]) } };
};

for (const [what, revoke] of [
  ['itself', { kind: 'session', key: 'jti-1', reason: 'administrator' }],
  ['the session that it was made of', { kind: 'session', key: 'sid-1', reason: 'signed-out' }],
  ['that session, also by another one in its place', { kind: 'session', key: 'sid-1', reason: replacedBy('sid-2') }],
  ['the session at the provider', { kind: 'provider-session', key: 'entra|p-1', reason: 'backchannel-logout' }],
  ['its person', { kind: 'person', key: 'corp\\alice', reason: 'administrator' }],
  ['the API key that it was made of', { kind: 'api-key', key: 'k1', reason: 'administrator' }],
] as const)
  test(`Streams ends what was opened with a token of ours when ${what} is revoked, and nothing of another token`, async () => {
    const token = (jti: string, sid: string, who: Identity): Live => {
      const { subject, account, authenticatedAt: issuedAt } = who;
      const person = { subject, account, issuedAt, provider: 'entra', providerSession: `p${sid.slice(3)}` };
      const keys = [{ id: `k${sid.slice(4)}`, until: undefined }];
      return passing({ ...who, method: 'bearer' }, { restsOn: [jti, sid].map((id) => ({ ...person, id })), keys });
    };
    const app = appWith({}, { path: '/**', signed_in: true });
    const one = stage.open(token('jti-1', 'sid-1', alice), app);
    const other = stage.open(token('jti-2', 'sid-2', { ...bob, subject: 'y' }), app);
    void stage.list.revoke(revoke);
    assert.deepEqual([one.ends, other.ends], [['credential-revoked'], []]);
    // And what was revoked while the app was still being asked.
    const late = stage.open(token('jti-1', 'sid-1', alice), app);
    await stage.settle();
    assert.deepEqual([late.ends, other.ends], [['credential-revoked'], []]);
  });

test('Streams ends what a key was beside at the end of the key, and at no other time', async () => {
  const [ends, stays] = [begin + hour, undefined].map((until) =>
    stage.open({ ...liveOf(sessionOf(alice)), keys: [{ id: `k${until}`, until }] }),
  );
  await stage.pass(hour - second, minute);
  assert.deepEqual([ends?.ends, stays?.ends], [[], []]);
  await stage.pass(2 * second, second);
  assert.deepEqual([ends?.ends, stays?.ends], [['credential-expired'], []]);
});

test('Streams ends what was opened with an API key when the key is revoked, and with its own end', async () => {
  const app = appWith({}, { path: '/**', groups: ['desk'], credentials: ['api_key'] });
  stage.find = async ({ session, passing }) => found({ ...liveOf(session), passing });
  const [one, beside, brief] = [
    stage.open(passing(key), app),
    stage.open({ ...liveOf(sessionOf(alice)), keys: [{ id: 'k1', until: undefined }] }),
    stage.open(passing({ ...key, subject: 'api_key:k2', expiresAt: begin + hour }), app),
  ];
  await stage.pass(10 * minute);
  assert.deepEqual([one.ends, beside.ends, brief.ends], [[], [], []]);
  void stage.list.revoke({ kind: 'api-key', key: 'k1', reason: 'administrator' });
  assert.deepEqual([one.ends, beside.ends], [['credential-revoked'], ['credential-revoked']]);
  await stage.pass(hour, minute);
  assert.deepEqual(brief.ends, ['credential-expired']);
});

test('Streams ends what was opened with a stream token when the session is signed out that it was made of', async () => {
  const session = sessionOf(alice);
  const { ends } = stage.open(passing({ ...alice, method: 'stream_token' }, { madeOf: session }));
  void stage.list.revoke({ kind: 'session', key: session.id, reason: 'signed-out' });
  assert.deepEqual(ends, ['signed-out']);
});

test('Streams takes a key that was shown after a revocation of its holder for good', async () => {
  void stage.list.revoke({ kind: 'person', key: 'key:robot', reason: 'administrator' });
  const { ends } = stage.open(passing({ ...key, authenticatedAt: begin }, { shown: true }));
  await stage.settle();
  assert.deepEqual(ends, []);
  stage.now += minute;
  void stage.list.revoke({ kind: 'person', key: 'key:robot', reason: 'administrator' });
  assert.deepEqual(ends, ['credential-revoked']);
});

test('Streams does not take groups for known that the credential itself had left open', async () => {
  const app = appWith({}, { path: '/**', not: { groups: ['barred'] } });
  const live = passing(alice);
  const { ends } = stage.open({ ...live, subject: { ...live.subject, groupsKnown: false } }, app);
  await stage.pass(minute);
  assert.deepEqual(ends, ['no-longer-allowed']);
});

test('Streams asks for a session once, however many streams it has, and judges each by its own credentials', async () => {
  const session = sessionOf(alice);
  const app = appWith({}, { path: '/**', groups: ['desk'], credentials: ['approval'] });
  const live = liveOf(session);
  const approved = { ...live, subject: { ...live.subject, credentials: new Set(['session', 'approval']) } };
  const all = [stage.open(approved, app), ...Array.from({ length: 20 }, () => stage.open(live))];
  await stage.pass(minute);
  assert.equal(stage.looks.length, 1);
  assert.ok(all.every(({ ends }) => ends.length === 0));
  assert.equal(stage.streams.size, 1);
});

test('Streams forgets a stream that is over', async () => {
  const { ends, close } = stage.open(liveOf(sessionOf(alice)));
  close();
  close();
  assert.equal(stage.streams.size, 0);
  await stage.pass(2 * minute);
  void stage.list.revoke({ kind: 'everybody', key: '', reason: 'administrator' });
  assert.deepEqual([ends, stage.looks], [[], []]);
});

test('Streams looks at 2,000 streams a few at a time, and at each within the interval', async () => {
  const sessions = Array.from({ length: 2_000 }, (_, i) => sessionOf({ ...alice, subject: `${i}` }));
  for (const session of sessions) stage.open(liveOf(session));
  await stage.settle();
  let most = 0;
  for (let passed = 0; passed < minute; passed += 250) {
    stage.now += 250;
    let before = stage.looks.length;
    stage.streams.tick();
    // Each turn of the event loop by itself, answers included.
    for (;;) {
      most = Math.max(most, stage.looks.length - before);
      before = stage.looks.length;
      await new Promise((resolve) => setImmediate(resolve));
      const work = stage.deferred.splice(0);
      if (work.length === 0) break;
      for (const one of work) one();
    }
  }
  assert.equal(new Set(stage.looks).size, 2_000);
  assert.ok(most <= 50, `${most} in one turn`);
});

test('Streams asks about a bounded number of people at the same time', async () => {
  for (let i = 0; i < 500; i++) stage.open(liveOf(sessionOf({ ...alice, subject: `${i}` })));
  const answers: (() => void)[] = [];
  stage.find = ({ session }) => new Promise((resolve) => answers.push(() => resolve(found(liveOf(session)))));
  await stage.pass(minute);
  assert.equal(answers.length, 64);
  for (const answer of answers.splice(0)) answer();
  await stage.settle();
  assert.equal(answers.length, 64);
});

test('Streams gives a person so many places in an app and no more, and each back once', () => {
  const app = appWith({ perPerson: 2 });
  const live = liveOf(sessionOf(alice));
  assert.deepEqual([stage.streams.enter(app, live), stage.streams.enter(app, live)], [true, true]);
  assert.equal(stage.streams.enter(app, live), false);
  assert.equal(stage.streams.enter(app, liveOf(sessionOf(bob))), true);
  assert.equal(stage.streams.enter({ ...app, name: 'other' }, live), true);
  stage.streams.takenBy(app, live)();
  assert.equal(stage.streams.enter(app, live), true);
});

test('closeCodeOf() has a code for every end that says whether to sign in again', () => {
  for (const end of streamEnds) assert.equal(closeCodeOf(end), end === 'no-longer-allowed' ? 4403 : 4401);
});
