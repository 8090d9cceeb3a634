/**
 * What an endpoint is called with, for tests that call one directly.
 *
 * @module
 */
import { prepareFields } from '@cardea/http1';
import type { Authenticator, MethodKind } from '../../auth/authenticator.ts';
import { type SessionOrigin, startSession } from '../../auth/session.ts';
import type { EventParticulars } from '../../core/audit-event.ts';
import type { Identity } from '../../core/identity.ts';
import { compilePolicy } from '../../policy/compile.ts';
import { subjectOf } from '../../policy/subject.ts';
import { type App, findApp, noIdentityHeaders } from '../apps.ts';
import type { Live } from '../live.ts';
import { usualStreams } from '../streams.ts';
import { createPages } from '../pages/layout.ts';
import type { RequestContext } from '../request-context.ts';
import type { SignInPlan } from '../sign-in-plan.ts';
import type { Endpoint } from './endpoint.ts';

/** A moment that lies in no test's past by accident. */
export const testMoment = 1_789_000_000_000;

/** A person who has signed in by password, for an hour. */
export const anIdentity = (particulars: Partial<Identity> = {}): Identity => ({
  subject: 'password:alice',
  account: 'CORP\\alice',
  upn: undefined,
  name: undefined,
  email: undefined,
  sids: [],
  groups: ['risk-team'],
  method: 'password',
  authenticatedAt: testMoment,
  expiresAt: testMoment + 3_600_000,
  ...particulars,
});

/** Somebody who has signed in by a method that began a session. */
export const aLive = (identity: Identity, provider = 'password'): Live => liveWith(identity, { provider }, false);

/** Somebody with a credential that came with the request. */
export const aPassing = (identity: Identity): Live => liveWith(identity, { provider: identity.method }, true);

const liveWith = (identity: Identity, origin: SessionOrigin, passing: boolean): Live => ({
  session: startSession(identity, testMoment, origin),
  identity,
  subject: subjectOf(identity, {}),
  note: undefined,
  namedAt: testMoment,
  passing,
  headers: new Map(),
});

const method = (kind: MethodKind): Authenticator => ({
  id: kind,
  kind,
  scope: 'request',
  challenge: undefined,
  authenticate: () => ({ kind: 'absent' }),
});

/** A plan with these methods that begin sessions, these that come with a request, and stream tokens if wanted. */
export const aPlan = (
  providers: readonly string[],
  byRequest: readonly MethodKind[],
  streamParameter?: string,
): SignInPlan => ({
  byRequest: byRequest.map(method),
  bySession: [],
  providers: new Set([...providers, ...byRequest]),
  ownFields: new Set(),
  ownSchemes: new Set(),
  streamParameter,
  offer: { prefix: '/auth', challenges: [], ways: [] },
});

/** An app on `desk.corp.example` below this prefix. */
export const anApp = (name: string, pathPrefix: string, signIn: App['signIn']): App => ({
  name,
  hosts: ['desk.corp.example'],
  pathPrefix,
  upstream: { origin: 'http://127.0.0.1:1', ca: undefined, connectTimeoutMs: 1, responseTimeoutMs: 1 },
  policy: compilePolicy([{ path: '/**', signed_in: true }]),
  headers: noIdentityHeaders,
  headerEncoding: 'percent',
  audience: name,
  upstreamHost: undefined,
  allowedOrigins: [],
  signIn,
  streams: usualStreams,
  csrf: false,
  unauthorized: undefined,
});

/** Finds an app as the pipeline does. */
export const appAt =
  (apps: readonly App[]) =>
  (host: string, path: string): App | undefined =>
    findApp(apps, host, path);

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
  /** Audit events that it has caused. */
  readonly events: readonly EventParticulars[];
}

/** Calls an endpoint with a body. */
export async function call(
  endpoint: Endpoint,
  app: App,
  live: Live | undefined,
  body: unknown,
  contentType = 'application/json',
): Promise<Answer> {
  const events: EventParticulars[] = [];
  const fields = ['Host', 'desk.corp.example'];
  const context: RequestContext = {
    requestId: 'r-1',
    now: testMoment,
    head: {
      method: 'POST',
      target: `/auth${endpoint.path}`,
      fields,
      connection: { remoteAddress: '127.0.0.1', tls: true, certificateHash: undefined, memory: new Map() },
      upgrade: false,
    },
    audience: 'program',
    host: 'desk.corp.example',
    authority: 'desk.corp.example',
    path: `/auth${endpoint.path}`,
    query: '',
    target: `/auth${endpoint.path}`,
    address: '127.0.0.1',
    proto: 'https',
    origin: 'https://desk.corp.example',
    fields,
    authorization: undefined,
    streamToken: undefined,
    pages: createPages(),
    session: { kind: 'none' },
    toUpstream: () => prepareFields([]),
  };
  const request = new Request(`https://desk.corp.example${context.target}`, {
    method: 'POST',
    headers: { 'Content-Type': contentType },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const response = await endpoint.handle(request, {
    context,
    app,
    live,
    offerFor: () => ({ prefix: '/auth', challenges: [], ways: [] }),
    isGoodAt: () => true,
    begin: () => Promise.reject(new Error('no session begins here')),
    record: (event) => events.push(event),
  });
  const text: unknown = JSON.parse(await response.text());
  const entries = typeof text === 'object' && text !== null ? Object.entries(text) : [];
  return { status: response.status, body: Object.fromEntries(entries), headers: response.headers, events };
}
