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
import type { ApiKeys } from '../ports/api-keys.ts';
import type { ReplayCache } from '../ports/replay-cache.ts';
import type { Revocation, Revocations } from '../ports/revocations.ts';
import type { SessionStore } from '../ports/session-store.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import type { RevocationsState } from '../server/admin.ts';
import type { MetricsSnapshot } from '../server/thread-metrics.ts';
import type { Channel, Contract, Remote } from '../threads/channel.ts';
import type { MasterKey } from '../tokens/key-ring.ts';
import type { SigningKey } from '../tokens/signing-key.ts';
import type { Connections } from './data-plane.ts';
import type { OnTrouble } from './log.ts';
import type { Shared } from './process-parts.ts';

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

const passwordContract: Contract<PasswordSource> = { name: 'passwords', methods: { signIn: true } };

/** Takes audit events in parcels. */
interface AuditDesk {
  take(events: readonly AuditEvent[]): void;
}
const auditContract: Contract<AuditDesk> = { name: 'audit', methods: { take: true } };

/** Lets a thread ask the parts of this process. */
export function offerShared(channel: Channel, shared: Shared): void {
  const { replays, sessions, revocations, apiKeys, passwords, audit } = shared;
  channel.offer(replayContract, replays);
  channel.offer(sessionContract, sessions);
  channel.offer(revocationContract, revocations);
  channel.offer(apiKeyContract, apiKeys);
  if (passwords !== undefined) channel.offer(passwordContract, passwords);
  channel.offer(auditContract, { take: (events) => events.forEach((event) => audit.write(event)) });
}

/** The parts of the process as another thread sees them. Closing the audit sink hands over what waits; the others have no end here. */
export function sharedOver(channel: Channel, onTrouble: OnTrouble): Shared {
  const desk = channel.use(auditContract);
  return {
    replays: { ...asStore(channel.use(replayContract)), close: () => {} },
    sessions: { ...asStore(channel.use(sessionContract)), close: () => {} },
    revocations: { ...asStore(channel.use(revocationContract)), close: () => {} },
    apiKeys: { ...asStore(channel.use(apiKeyContract)), close: () => {} },
    passwords: channel.use(passwordContract),
    audit: relayedAudit({ deliver: (events) => desk.take(events), onTrouble }),
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
  /** The keys are others now; the issuer's are there only where there is an issuer. */
  useKeys(keys: readonly MasterKey[], signingKeys?: readonly SigningKey[]): void;
  /** Another thread has revoked this. `unwritten`: the store does not know yet. */
  revoked(entries: readonly Revocation[], unwritten: boolean): void;
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
    useKeys: true,
    revoked: true,
    finish: true,
  },
};
