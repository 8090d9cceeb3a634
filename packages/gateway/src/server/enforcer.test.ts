import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { startSession } from '../auth/session.ts';
import type { Identity } from '../core/identity.ts';
import { compileTiers } from '../limits/tiers.ts';
import { compilePolicy } from '../policy/compile.ts';
import { subjectOf } from '../policy/subject.ts';
import type { UsageRecord } from '../ports/usage.ts';
import { memoryLimiter } from '../stores/limiter-memory.ts';
import { type App, type AppLimits, noIdentityHeaders } from './apps.ts';
import { Enforcer } from './enforcer.ts';
import { Leases } from './leases.ts';
import { createMetrics } from './metrics.ts';
import { createPages } from './pages/layout.ts';
import { Recorder } from './recorder.ts';
import { requestReader } from './request-context.ts';

const now = 1_000_000;
const identity: Identity = {
  subject: 'password:alice',
  account: 'alice',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: [],
  groups: [],
  method: 'password',
  authenticatedAt: now,
  expiresAt: now + 1_000_000,
};

const limits: AppLimits = {
  tiers: compileTiers({ tiers: [{ name: 'all', concurrent: 1 }], groups: [], when_redis_is_down: 'local' }),
  readsContent: false,
  contentBytes: 1_000,
  usualAnswer: 100,
  leaseMs: 30_000,
};
const app: App = {
  name: 'llm',
  hosts: ['llm'],
  pathPrefix: '/',
  upstream: { origin: 'http://127.0.0.1:1', ca: undefined, connectTimeoutMs: 1, responseTimeoutMs: 1 },
  policy: compilePolicy([{ path: '/**', signed_in: true }]),
  headers: noIdentityHeaders,
  headerEncoding: 'utf-8',
  audience: 'llm',
  upstreamHost: undefined,
  limits,
  allowedOrigins: [],
  signIn: 'none',
  streams: { maxLifetimeMs: 1, revalidateMs: 1, keepForMs: 1, perPerson: 1 },
  csrf: false,
  unauthorized: undefined,
};
const live = {
  session: startSession(identity, now, { provider: 'password' }),
  identity,
  subject: subjectOf(identity, {}),
  note: undefined,
  namedAt: now,
  passing: false,
  headers: new Map(),
};

/** An enforcer with a real limiter, what it has written down, and a request. */
function setUp() {
  const noted: UsageRecord[] = [];
  const limiter = memoryLimiter(() => now);
  const leases = new Leases(limiter);
  const recorder = new Recorder({
    audit: { write: () => {}, close: async () => {} },
    metrics: createMetrics(new Registry()),
    now: () => now,
    onClientLeft: () => {},
  });
  const usage = { note: (record: UsageRecord) => void noted.push(record) };
  const enforcer = new Enforcer({ limiter, leases, usage, recorder, now: () => now });
  const read = requestReader({
    trusted: () => false,
    mayBePlain: () => true,
    stripIdentity: (fields) => ({ fields, removed: [] }),
    pages: createPages(),
  });
  const connection = { remoteAddress: '127.0.0.1', tls: false, certificateHash: undefined, memory: new Map() };
  const context = read({ method: 'GET', target: '/', fields: ['Host', 'llm'], connection, upgrade: false }, now);
  if ('kind' in context) throw new Error(context.reason);
  return {
    leases,
    noted,
    admit: (goOn: Parameters<Enforcer['admit']>[0]['goOn']) =>
      enforcer.admit({ context, app, limits, live, responseFields: [], goOn }),
  };
}

test('Enforcer gives the place back when the request cannot go on', () => {
  const { leases, admit } = setUp();
  assert.throws(() =>
    admit(() => {
      throw new TypeError('a bug of ours');
    }),
  );
  assert.equal(leases.size, 0);
});

test('Enforcer gives the place back, and writes it down as refused, when the request is refused after all', () => {
  const { leases, noted, admit } = setUp();
  void admit(() => ({ kind: 'reply', reply: { status: 429, fields: [], body: '' } }));
  assert.equal(leases.size, 0);
  assert.deepEqual(
    noted.map(({ refusal, status }) => [refusal, status]),
    [['too-many-streams', 429]],
  );
});
