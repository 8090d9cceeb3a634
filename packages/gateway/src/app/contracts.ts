/**
 * What the threads of one gateway ask of each other. A new part of the process that
 * threads have to share (a limit, a claim that works once) is a member of `Shared`, one
 * contract here, and one line in each of `offerShared` and `sharedOver`.
 *
 * @module
 */
import { relayedAudit } from '../audit/relay.ts';
import type { PasswordSource } from '../auth/password.ts';
import type { AuditEvent } from '../core/audit-event.ts';
import { relay } from '../core/relay.ts';
import type { ApiKeys } from '../ports/api-keys.ts';
import type { Limiter } from '../ports/limiter.ts';
import type { ReplayCache } from '../ports/replay-cache.ts';
import type { Revocation, Revocations } from '../ports/revocations.ts';
import type { SessionStore } from '../ports/session-store.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { UsageLedger, UsageRecord } from '../ports/usage.ts';
import type { RevocationsState } from '../server/admin.ts';
import type { MetricsSnapshot } from '../server/thread-metrics.ts';
import type { Channel, Contract, Remote } from '../threads/channel.ts';
import type { MasterKey } from '../tokens/key-ring.ts';
import type { SigningKey } from '../tokens/signing-key.ts';
import type { Connections } from './data-plane.ts';
import type { OnTrouble } from './log.ts';
import type { ChangeDesk, Shared } from './process-parts.ts';

// Offered by the main thread: what there is once in the process.

const replayContract: Contract<Pick<ReplayCache, 'claim'>> = { name: 'replays', methods: { claim: true } };

const sessionContract: Contract<Omit<SessionStore, 'close'>> = {
  name: 'sessions',
  methods: { put: true, get: true, update: true, touch: true, list: true, remove: true },
};

const revocationContract: Contract<Omit<Revocations, 'close'>> = {
  name: 'revocations',
  methods: { changes: true, add: true },
};

const apiKeyContract: Contract<Omit<ApiKeys, 'close'>> = {
  name: 'api-keys',
  methods: { create: true, find: true, list: true, revoke: true, used: true },
};

const limiterContract: Contract<Omit<Limiter, 'close'>> = {
  name: 'limiter',
  methods: { acquire: true, renew: true, release: true },
};

const passwordContract: Contract<PasswordSource> = { name: 'passwords', methods: { signIn: true } };

/** Takes audit events in parcels. */
interface AuditDesk {
  take(events: readonly AuditEvent[]): void;
}
const auditContract: Contract<AuditDesk> = { name: 'audit', methods: { take: true } };

/** Takes records of usage in parcels. */
interface UsageDesk {
  take(records: readonly UsageRecord[]): void;
}
const usageContract: Contract<UsageDesk> = { name: 'usage', methods: { take: true } };

const changeContract: Contract<ChangeDesk> = { name: 'changes', methods: { outdated: true } };

/** Nothing waits for longer until other threads have heard of a change. */
const changeMs = 2_000;

/** Lets a thread ask the parts of this process. */
export function offerShared(channel: Channel, shared: Shared): void {
  const { replays, sessions, revocations, apiKeys, limiter, passwords, audit, usage, changes } = shared;
  channel.offer(replayContract, replays);
  channel.offer(sessionContract, sessions);
  channel.offer(revocationContract, revocations);
  channel.offer(apiKeyContract, apiKeys);
  channel.offer(limiterContract, limiter);
  if (passwords !== undefined) channel.offer(passwordContract, passwords);
  channel.offer(changeContract, changes);
  channel.offer(auditContract, { take: (events) => events.forEach((event) => audit.write(event)) });
  channel.offer(usageContract, { take: (records) => records.forEach((record) => usage.record(record)) });
}

/** The parts of the process as another thread sees them. Closing the audit sink and the ledger hands over what waits; the others have no end here. */
export function sharedOver(channel: Channel, onTrouble: OnTrouble): Shared {
  const desk = channel.use(auditContract);
  return {
    replays: { ...asStore(channel.use(replayContract)), close: () => {} },
    sessions: { ...asStore(channel.use(sessionContract)), close: () => {} },
    revocations: { ...asStore(channel.use(revocationContract)), close: () => {} },
    apiKeys: { ...asStore(channel.use(apiKeyContract)), close: () => {} },
    limiter: limiterOver(channel),
    passwords: channel.use(passwordContract),
    changes: channel.use(changeContract, changeMs),
    audit: relayedAudit({ deliver: (events) => desk.take(events), onTrouble }),
    usage: usageOver(channel, onTrouble),
  };
}

/** The ledger of the other side. */
function usageOver(channel: Channel, onTrouble: OnTrouble): UsageLedger {
  const desk = channel.use(usageContract);
  const records = relay<UsageRecord>({
    deliver: (parcel) => desk.take(parcel),
    one: 'Usage record',
    several: 'Usage records',
    onTrouble,
  });
  return { record: (record) => records.add(record), close: () => records.close() };
}

/** The limiter of the other side. Where that has ended, leases end by themselves. */
function limiterOver(channel: Channel): Limiter {
  const { acquire, renew, release } = asStore(channel.use(limiterContract));
  const gone = (error: unknown): void => {
    if (!(error instanceof StoreUnavailable)) throw error;
  };
  return {
    acquire,
    renew: (...args) => renew(...args).catch(gone),
    release: (...args) => release(...args).catch(gone),
    close: () => {},
  };
}

/** A store of the other side. An error keeps its name and not its class on the way: what cannot be asked is `StoreUnavailable` here as well. */
function asStore<S extends object>(remote: Remote<S>): Remote<S> {
  const methods = Object.entries<(...args: readonly never[]) => Promise<unknown>>(remote).map(([name, call]) => [
    name,
    (...args: readonly never[]) =>
      call(...args).catch((error: unknown) => {
        const known = error instanceof Error && ['StoreUnavailable', 'ChannelError'].includes(error.name);
        throw known ? new StoreUnavailable(error.message) : error;
      }),
  ]);
  return Object.fromEntries(methods);
}

/** Takes lines of the log as pino has made them. */
export interface LogDesk {
  take(line: string): void;
}
export const logContract: Contract<LogDesk> = { name: 'log', methods: { take: true } };

// Offered by each serving thread.

/** How the main thread leads a thread that serves. */
export interface ServingThread {
  /** Begins to serve, and says where. Rejects with what went wrong. */
  start(): Promise<readonly string[]>;
  connections(): Connections;
  metrics(): Promise<MetricsSnapshot>;
  revocations(): RevocationsState;
  /** Looks now at the files that it has taken in. */
  look(): Promise<void>;
  /** The keys are others now; the issuer's are there only where there is an issuer. */
  useKeys(keys: readonly MasterKey[], signingKeys?: readonly SigningKey[]): void;
  /** Another thread has revoked this. `unwritten`: the store does not know yet. */
  revoked(entries: readonly Revocation[], unwritten: boolean): void;
  /** Another thread has found out that what is known about a person up to `at` is not so any more. */
  outdated(subject: string, at: number): void;
  /** Takes no more connections, lets requests end, hands over what is buffered. Nothing is left to do afterwards. */
  finish(graceMs: number): Promise<void>;
}
export const servingContract: Contract<ServingThread> = {
  name: 'serving',
  methods: {
    start: true,
    connections: true,
    metrics: true,
    revocations: true,
    look: true,
    useKeys: true,
    revoked: true,
    outdated: true,
    finish: true,
  },
};
