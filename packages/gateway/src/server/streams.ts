/**
 * WebSockets, event streams and other responses that last: each belongs to the sign-in that it was let in with, and
 * ends with it. What is revoked ends at once; the rest is looked at again from time to time, as if it were a new
 * request: the session, the groups, the policy.
 *
 * All streams of one session are one watch, so that directory and provider are asked once for all of them. Looks are
 * spread over the interval at random, and in one turn of the event loop few are made: ten thousand sockets
 * that have come at once are not judged at once.
 *
 * @module
 */
import { apiKeyIdOf } from '../auth/api-key.ts';
import type { Issued, RevocationList } from '../auth/revocation-list.ts';
import { decide, type Refusal } from '../policy/decide.ts';
import { anonymous, type Subject } from '../policy/subject.ts';
import { type Revocation, successorIn } from '../ports/revocations.ts';
import type { App } from './apps.ts';
import { issuedOf, type Live, type LiveKey } from './live.ts';
import type { Holder, Standing, Standings } from './standing.ts';
import type { StreamEnd } from './stream-ends.ts';
import { Schedule } from './stream-schedule.ts';

/** What an app says about its streams. */
export interface StreamRules {
  readonly maxLifetimeMs: number;
  /** How often everything is asked again. */
  readonly revalidateMs: number;
  /** How long a stream goes on beyond that while it cannot be found out whether it may. */
  readonly keepForMs: number;
  /** Streams of one person at a time. */
  readonly perPerson: number;
}

/** What the configuration says when it says nothing. */
export const usualStreams: StreamRules = {
  maxLifetimeMs: 8 * 3_600_000,
  revalidateMs: 60_000,
  keepForMs: 300_000,
  perPerson: 100,
};

/** Counts over all threads of the process. */
export interface PersonCounter {
  /** False when there are as many as there may be; then nothing is counted. */
  enter(key: string, limit: number): boolean;
  leave(key: string): void;
}

export interface StreamsParts {
  readonly standings: Pick<Standings, 'of' | 'successor'>;
  readonly revocations: Pick<RevocationList, 'reasonFor' | 'isKeyRevoked' | 'earliestIssue' | 'onRevoked'>;
  readonly people: PersonCounter;
  /**
   * Somebody may no longer what they could when they came: nothing that was found out about them up to `at` is to be used, by no
   * thread. Streams end when this has resolved, so that whoever comes back at once is judged by what is known now. Never rejects.
   */
  readonly onOutdated: (subject: string, at: number) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 to 1, so that looks do not fall together. */
  readonly random: () => number;
  /** Goes on with work when others had their turn; default: `setImmediate`. */
  readonly defer?: (work: () => void) => void;
}

/** A stream that has been let in. */
export interface OpenedStream {
  readonly app: App;
  /** `undefined`: nobody has signed in, and nobody needed to. */
  readonly live: Live | undefined;
  readonly method: string;
  /** Canonical, as policy has judged it. */
  readonly path: string;
  readonly address: string;
  /** Ends it. Called once at most, and not within `open`. */
  readonly end: (why: StreamEnd) => void;
}

/** What is kept of a stream for hours: little. */
interface Stream extends Omit<OpenedStream, 'live'> {
  readonly until: number;
  readonly credentials: ReadonlySet<string>;
  readonly keys: readonly LiveKey[];
  watch: Watch;
}

/** Somebody's sign-in, and the streams that belong to it. */
interface Watch {
  /** `undefined` for nobody. */
  holder: Holder | undefined;
  /** False when the credential itself had left open which groups there are. */
  readonly groupsKnown: boolean;
  /** What ends it when it is revoked, beside the session. */
  readonly restsOn: readonly Issued[];
  /** The session's id, and those of the sessions that have taken its place. */
  readonly ids: Set<string>;
  readonly streams: Set<Stream>;
  /** The session that goes on in the place of this one, until it has been looked up. */
  successor: string | undefined;
  /** When everything was last found out. */
  knownAt: number;
  everyMs: number;
  keepForMs: number;
  asking: boolean;
  /** It has been asked since, or should have been. */
  tried: boolean;
}

/** Streams that are looked at, or ended, in one turn of the event loop. */
const perTurn = 50;
/** Sign-ins that are being asked about at the same time. */
const maxAsking = 64;
/** A look is due before its interval is over, since it takes some time. */
const lookPart = 0.9;
/** What could not be found out is asked again after this time, if it is shorter than the interval. */
const againMs = 10_000;

/** As a time: before any other. */
const atOnce = 0;

/** All of one thread. */
export class Streams {
  readonly #parts: StreamsParts;
  readonly #defer: (work: () => void) => void;
  readonly #watches = new Set<Watch>();
  /** The one watch of a session. */
  readonly #ofSession = new Map<string, Watch>();
  readonly #byId = new Map<string, Set<Watch>>();
  readonly #ends = new Schedule<Watch>();
  readonly #looks = new Schedule<Watch>();
  readonly #unsubscribe: () => void;
  #asking = 0;
  #deferred = false;
  /** What has still to be compared with the list of what is revoked. */
  #unswept: Watch[] = [];
  #sweeping = false;
  #closed = false;

  constructor(parts: StreamsParts) {
    this.#parts = parts;
    this.#defer = parts.defer ?? ((work) => void setImmediate(work));
    this.#unsubscribe = parts.revocations.onRevoked((entries) => this.#onRevoked(entries));
  }

  /** Sign-ins that have streams open. */
  get size(): number {
    return this.#watches.size;
  }

  /** Takes a place for one more stream of this person, which has to be given back. False when they have as many as they may. */
  enter(app: App, live: Live): boolean {
    return this.#parts.people.enter(placeOf(app, live), app.streams.perPerson);
  }

  /** What gives back a place that `enter` took. */
  takenBy(app: App, live: Live): () => void {
    const { people } = this.#parts;
    const place = placeOf(app, live);
    return () => people.leave(place);
  }

  /** Watches a stream that is open now. To be called when it is over, however it ended: what this gives. */
  open({ live, ...opened }: OpenedStream): () => void {
    const now = this.#parts.now();
    const { maxLifetimeMs, revalidateMs, keepForMs } = opened.app.streams;
    const watch = this.#watchOf(live, now);
    const stream: Stream = {
      ...opened,
      until: now + maxLifetimeMs,
      credentials: live?.subject.credentials ?? anonymous.credentials,
      keys: live === undefined ? noKeys : keysOf(live),
      watch,
    };
    watch.streams.add(stream);
    watch.keepForMs = Math.min(watch.keepForMs, keepForMs);
    if (revalidateMs < watch.everyMs) {
      watch.everyMs = revalidateMs;
      this.#looks.set(watch, now + lookPart * this.#parts.random() * revalidateMs);
    }
    this.#limit(watch);
    // It may have happened while the app was asked.
    this.#defer(() => this.#compare(watch));
    return () => this.#remove(stream);
  }

  /** Looks at what is due. To be called a few times a second. */
  tick(): void {
    if (!this.#deferred) this.#pass();
  }

  /** Looks no more. The streams stay as they are. */
  close(): void {
    this.#closed = true;
    this.#unsubscribe();
  }

  #watchOf(live: Live | undefined, now: number): Watch {
    const holder = live && this.#holderOf(live, now);
    const shared = holder?.passing === false ? this.#ofSession.get(holder.session.id) : undefined;
    if (shared !== undefined && holder !== undefined) {
      const known = shared.holder?.session.checkedAt ?? Number.NEGATIVE_INFINITY;
      if (holder.session.checkedAt > known) shared.holder = holder;
      return shared;
    }
    const watch: Watch = {
      holder,
      groupsKnown:
        live === undefined || !live.passing || live.subject.groupsKnown || live.session.groupsFrom === 'lookup',
      restsOn: live?.restsOn ?? nothing,
      ids: new Set(),
      streams: new Set(),
      successor: undefined,
      knownAt: now,
      everyMs: Number.POSITIVE_INFINITY,
      keepForMs: Number.POSITIVE_INFINITY,
      asking: false,
      tried: false,
    };
    this.#watches.add(watch);
    if (holder !== undefined) this.#name(watch, holder.session.id);
    for (const { id } of watch.restsOn) if (id !== undefined) this.#name(watch, id);
    if (holder?.passing === false) this.#ofSession.set(holder.session.id, watch);
    return watch;
  }

  #holderOf({ session, passing, inRegistry = false, madeOf, shown }: Live, now: number): Holder {
    if (madeOf !== undefined) return { session: madeOf, passing, inRegistry };
    if (shown !== true) return { session, passing, inRegistry };
    // What was revoked before says nothing about who has just shown their credential.
    const { id: _, issuedAt: __, ...who } = issuedOf(session);
    const authenticatedAt = this.#parts.revocations.earliestIssue(who, now);
    return { session: { ...session, identity: { ...session.identity, authenticatedAt } }, passing, inRegistry };
  }

  #name(watch: Watch, id: string): void {
    watch.ids.add(id);
    const named = this.#byId.get(id) ?? new Set();
    named.add(watch);
    this.#byId.set(id, named);
  }

  #remove(stream: Stream): void {
    const { watch } = stream;
    if (watch.streams.delete(stream) && watch.streams.size === 0) this.#drop(watch);
  }

  #drop(watch: Watch): void {
    this.#watches.delete(watch);
    this.#ends.delete(watch);
    this.#looks.delete(watch);
    for (const id of watch.ids) {
      const named = this.#byId.get(id);
      named?.delete(watch);
      if (named?.size === 0) this.#byId.delete(id);
      if (this.#ofSession.get(id) === watch) this.#ofSession.delete(id);
    }
  }

  #end(stream: Stream, why: StreamEnd): void {
    if (!stream.watch.streams.has(stream)) return;
    this.#remove(stream);
    stream.end(why);
  }

  #endAll(watch: Watch, why: StreamEnd): void {
    for (const stream of watch.streams) this.#end(stream, why);
  }

  // What is due.

  #pass(): void {
    this.#deferred = false;
    if (this.#closed) return;
    const now = this.#parts.now();
    let work = 0;
    while (work < perTurn) {
      const [watch] = this.#ends.due(now, 1);
      if (watch === undefined) break;
      work += watch.streams.size;
      this.#atLimit(watch, now);
    }
    while (work < perTurn && this.#asking < maxAsking) {
      const [watch] = this.#looks.due(now, 1);
      if (watch === undefined) break;
      work += watch.streams.size;
      this.#look(watch, now);
    }
    if (work >= perTurn) this.#passSoon();
  }

  #passSoon(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#defer(() => this.#pass());
  }

  /** Until when a watch may go on unless something is found out meanwhile. */
  #limit(watch: Watch): void {
    let until = watch.knownAt + watch.everyMs + watch.keepForMs;
    // A session that has a successor does not end by its own time.
    if (watch.holder !== undefined && watch.successor === undefined)
      until = Math.min(until, watch.holder.session.identity.expiresAt);
    for (const { until: end, keys } of watch.streams) until = Math.min(until, end, endOf(keys));
    this.#ends.set(watch, until);
  }

  #atLimit(watch: Watch, now: number): void {
    const { holder } = watch;
    if (holder !== undefined && watch.successor === undefined && now >= holder.session.identity.expiresAt)
      return this.#endAll(watch, holder.passing ? 'credential-expired' : 'session-expired');
    if (now >= watch.knownAt + watch.everyMs + watch.keepForMs) {
      if (watch.tried) return this.#endAll(watch, 'unverifiable');
      // Nobody has failed to answer: we have not asked, because this machine slept, or is swamped.
      watch.tried = true;
      watch.knownAt = now - watch.everyMs;
      this.#looks.set(watch, atOnce);
    }
    for (const stream of watch.streams)
      if (now >= stream.until) this.#end(stream, 'max-lifetime');
      else if (now >= endOf(stream.keys)) this.#end(stream, 'credential-expired');
    if (watch.streams.size > 0) this.#limit(watch);
  }

  #look(watch: Watch, now: number): void {
    if (watch.asking) return;
    watch.asking = true;
    watch.tried = true;
    const saturated = ++this.#asking === maxAsking;
    void this.#judge(watch, now)
      // Whatever goes wrong while deciding is no permission: it is asked again, until it has been unknown for too long.
      .catch(() => false)
      .then((known) => {
        this.#asking--;
        watch.asking = false;
        if (saturated) this.#passSoon();
        if (!this.#watches.has(watch)) return;
        if (known) {
          watch.knownAt = now;
          watch.tried = false;
          this.#limit(watch);
        }
        if (watch.successor !== undefined && known) return this.#followSoon(watch);
        this.#looks.set(watch, now + lookPart * (known ? watch.everyMs : Math.min(watch.everyMs, againMs)));
      });
  }

  /** False when it could not be found out. */
  async #judge(watch: Watch, now: number): Promise<boolean> {
    const { holder, successor } = watch;
    const { standings } = this.#parts;
    if (holder === undefined) return this.#decide(watch, anonymous, false, now);
    const standing: Standing = await (successor === undefined
      ? standings.of(holder, now)
      : standings.successor(successor, now));
    if (!this.#watches.has(watch)) return true;
    if (standing.kind === 'gone') {
      // A session that is gone is on the list of what is revoked; a credential that is not taken any more is on none.
      if (holder.passing) await this.#parts.onOutdated(holder.session.identity.subject, now);
      return this.#gone(watch, now);
    }
    const { live, outage } = standing;
    if (live.identity.subject !== holder.session.identity.subject) {
      this.#endAll(watch, 'replaced');
      return true;
    }
    const { session, passing, inRegistry = false } = live;
    watch.holder = { session, passing, inRegistry };
    const current = successor === undefined ? watch : this.#adopted(watch, session.id);
    const { subject } = live;
    return this.#decide(current, watch.groupsKnown ? subject : { ...subject, groupsKnown: false }, outage, now);
  }

  /** The streams of a session that another one has taken the place of belong to that one now. */
  #adopted(watch: Watch, id: string): Watch {
    watch.successor = undefined;
    const target = this.#ofSession.get(id);
    if (target === undefined || target === watch) {
      this.#ofSession.set(id, watch);
      return watch;
    }
    for (const stream of watch.streams) {
      stream.watch = target;
      target.streams.add(stream);
    }
    target.everyMs = Math.min(target.everyMs, watch.everyMs);
    target.keepForMs = Math.min(target.keepForMs, watch.keepForMs);
    for (const name of watch.ids) this.#name(target, name);
    watch.streams.clear();
    this.#drop(watch);
    this.#limit(target);
    return target;
  }

  async #decide(watch: Watch, subject: Subject, outage: boolean, now: number): Promise<boolean> {
    let unsure = false;
    const refused: Stream[] = [];
    for (const stream of watch.streams) {
      const { app, method, path, address, credentials } = stream;
      const decision = decide(app.policy, { ...subject, credentials }, method, path, { now, address });
      if (decision.allow) continue;
      if (!ofGroups.has(decision.reason))
        this.#end(stream, decision.reason === 'sign-in-too-old' ? 'sign-in-too-old' : 'no-longer-allowed');
      else if (outage) unsure = true;
      else refused.push(stream);
    }
    const { session } = watch.holder ?? {};
    if (refused.length > 0 && session !== undefined) await this.#parts.onOutdated(session.identity.subject, now);
    for (const stream of refused) this.#end(stream, 'no-longer-allowed');
    return !unsure;
  }

  #gone(watch: Watch, now: number): boolean {
    const { holder, successor } = watch;
    if (holder === undefined) return true;
    const { session, passing } = holder;
    const id = successor ?? session.id;
    const reason = this.#parts.revocations.reasonFor({ ...issuedOf(session), id });
    const next = reason === undefined ? undefined : successorIn(reason);
    if (next !== undefined) {
      watch.successor = undefined;
      this.#follow(watch, next);
    } else if (reason === undefined && now >= session.identity.expiresAt)
      this.#endAll(watch, passing ? 'credential-expired' : 'session-expired');
    else this.#endAll(watch, endFor(reason, passing));
    return true;
  }

  // What is revoked.

  #onRevoked(entries: readonly Revocation[]): void {
    let others = false;
    for (const { kind, key, reason } of entries) {
      if (kind !== 'session') others = true;
      else for (const watch of this.#byId.get(key) ?? []) this.#revoked(watch, key, reason);
    }
    if (!others) return;
    this.#unswept = [...this.#watches];
    if (!this.#sweeping) this.#sweep();
  }

  /** Compares all with the list: some at once, the rest in the next turns of the event loop. */
  #sweep(): void {
    let work = 0;
    while (work < perTurn) {
      const watch = this.#unswept.pop();
      if (watch === undefined) break;
      work += watch.streams.size;
      this.#compare(watch);
    }
    this.#sweeping = this.#unswept.length > 0;
    if (this.#sweeping) this.#defer(() => this.#sweep());
  }

  #compare(watch: Watch): void {
    const { revocations } = this.#parts;
    if (!this.#watches.has(watch)) return;
    for (const stream of watch.streams)
      if (stream.keys.some(({ id }) => revocations.isKeyRevoked(id))) this.#end(stream, 'credential-revoked');
    if (watch.restsOn.some((issued) => revocations.reasonFor(issued) !== undefined))
      return this.#endAll(watch, 'credential-revoked');
    if (watch.holder === undefined || watch.successor !== undefined) return;
    const reason = revocations.reasonFor(issuedOf(watch.holder.session));
    if (reason !== undefined) this.#ended(watch, reason);
  }

  #revoked(watch: Watch, id: string, reason: string): void {
    // What was made of a session ends with it: a session in its place has not made it.
    if (watch.restsOn.some((issued) => issued.id === id)) this.#endAll(watch, 'credential-revoked');
    else this.#ended(watch, reason);
  }

  #ended(watch: Watch, reason: string): void {
    const successor = successorIn(reason);
    if (successor === undefined) this.#endAll(watch, endFor(reason, watch.holder?.passing === true));
    else this.#follow(watch, successor);
  }

  /** Another session of the same person has taken the place of this one. */
  #follow(watch: Watch, successor: string): void {
    // Of several at once the browser keeps one, and nobody can tell which: the end of each of them is the end.
    this.#name(watch, successor);
    if (watch.successor !== undefined || watch.holder?.session.id === successor) return;
    watch.successor = successor;
    this.#limit(watch);
    this.#followSoon(watch);
  }

  #followSoon(watch: Watch): void {
    this.#looks.set(watch, atOnce);
    this.#passSoon();
  }
}

const nothing: readonly Issued[] = [];
const noKeys: readonly LiveKey[] = [];

/** All API keys that somebody has come with. */
function keysOf({ identity, keys = noKeys }: Live): readonly LiveKey[] {
  const id = apiKeyIdOf(identity);
  return id === undefined || keys.some((key) => key.id === id) ? keys : [...keys, { id, until: undefined }];
}

const endOf = (keys: readonly LiveKey[]): number =>
  keys.reduce((soonest, { until }) => Math.min(soonest, until ?? soonest), Number.POSITIVE_INFINITY);

const placeOf = (app: App, { identity }: Live): string => JSON.stringify([app.name, identity.subject]);

/** What policy may say because groups are missing that could not be asked for. */
const ofGroups: ReadonlySet<Refusal> = new Set<Refusal>([
  'groups-unknown',
  'not-in-group',
  'role-missing',
  'module-missing',
  'no-alternative-holds',
  'excluded',
]);

function endFor(reason: string | undefined, passing: boolean): StreamEnd {
  if (reason === 'signed-out' || reason === 'replaced') return reason;
  return passing ? 'credential-revoked' : 'session-revoked';
}
