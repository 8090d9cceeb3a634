/**
 * The first steps of every request: strict reading, one canonical host and path, the
 * client's address, and identity fields of the client's own making removed. What
 * comes out is all that later steps look at.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { type PreparedFields, prepareAsReceived, prepareFields } from '@cardea/http1';
import { wantsPage } from '../wire/accepts.ts';
import { type CookieValue, readCookie } from '../wire/cookies.ts';
import { type Fields, singleField } from '../wire/fields.ts';
import { clientAddress, forwardedFields } from '../wire/forwarded.ts';
import { endToEndFields } from '../wire/hop-by-hop.ts';
import { canonicalHost } from '../wire/host.ts';
import type { RequestHead } from '../wire/http.ts';
import { type CanonicalTarget, canonicalTarget } from '../wire/path.ts';
import { checkRequest } from '../wire/request-check.ts';
import type { App } from './apps.ts';
import { forApp } from './between.ts';
import type { Pages } from './pages/layout.ts';
import { sessionCookieName } from './session-fields.ts';

export interface RequestContext {
  /** One number for this request in the audit log, on error pages and towards the upstream. */
  readonly requestId: string;
  readonly now: number;
  readonly head: RequestHead;
  /** What the answer should be like when it is ours: a page for a person, JSON for a program; an upgrade has no page. */
  readonly audience: 'person' | 'program' | 'upgrade';
  /** Lower case, without port. */
  readonly host: string;
  /** The Host field's own value, folded: with the port, if one was given. */
  readonly authority: string;
  /** Canonical path without query: what policy judges and what the upstream gets. */
  readonly path: string;
  readonly query: string;
  /** Canonical path and query. */
  readonly target: string;
  /** The client's address, after trusted proxies were taken into account. */
  readonly address: string;
  readonly proto: 'http' | 'https';
  /** `https://app.corp.example`: the origin under which the browser knows us. */
  readonly origin: string;
  /** End-to-end fields without any that claims an identity. */
  readonly fields: Fields;
  /** The one Authorization field. */
  readonly authorization: string | undefined;
  /** Taken out of the query, for apps that take stream tokens. */
  readonly streamToken: string | undefined;
  /** The session cookie. */
  readonly session: CookieValue;
  /** How our own answers look. */
  readonly pages: Pages;
  /** What this app's upstream gets of all this, less identity and number. `open`: everybody may ask this, so that our key for the app is not for it. */
  readonly toUpstream: (app: UpstreamParty, how?: 'open') => PreparedFields;
}

/** What of an app decides which fields it gets. */
export type UpstreamParty = Pick<
  App,
  'signIn' | 'upstreamHost' | 'untold' | 'asReceived' | 'limits' | 'upstreamCredential'
>;

export interface BadRequest {
  readonly kind: 'bad-request';
  readonly status: number;
  readonly reason: string;
}

export interface ReadingOptions {
  /** Whether this peer may speak plain HTTP to us: it is on this machine, or a proxy that ends TLS in front of us. */
  readonly mayBePlain: (address: string) => boolean;
  /** Whether forwarded fields from this peer are believed. */
  readonly trusted: (address: string) => boolean;
  readonly stripIdentity: (fields: Fields) => { readonly fields: Fields; readonly removed: readonly string[] };
  readonly pages: Pages;
}

/** What a request says beside its target, the time and its number: much of it is the same from request to request. */
type Reading = Omit<RequestContext, 'requestId' | 'now' | 'head' | 'path' | 'query' | 'target'>;

/** Reads one request strictly; whatever could be read in two ways is a `BadRequest`. */
export type RequestReader = (head: RequestHead, now: number) => RequestContext | BadRequest;

/**
 * Makes a reader. Where the engine gives the same fields again, as it does for a field block that a connection repeats,
 * they are not read again: only for the same connection and method, since more than the fields follows from those.
 */
export function requestReader(options: ReadingOptions): RequestReader {
  const known = new WeakMap<Fields, { readonly head: RequestHead; readonly reading: Reading }>();
  return (head, now) => {
    const before = known.get(head.fields);
    if (before !== undefined && isAlike(before.head, head)) {
      const target = canonicalTarget(head.target);
      return target.kind === 'refused' ? bad(target.reason) : contextOf(head, now, target, before.reading);
    }
    const read = readRequest(head, options);
    if ('kind' in read) return read;
    if (!head.upgrade) known.set(head.fields, { head, reading: read.reading });
    return contextOf(head, now, read.target, read.reading);
  };
}

const isAlike = (before: RequestHead, head: RequestHead): boolean =>
  before.connection === head.connection && before.method === head.method && !head.upgrade;

type Target = Extract<CanonicalTarget, { kind: 'ok' }>;

function readRequest(
  head: RequestHead,
  options: ReadingOptions,
): { readonly target: Target; readonly reading: Reading } | BadRequest {
  const check = checkRequest(head);
  if (check.kind === 'refused') return { kind: 'bad-request', status: check.status, reason: check.reason };

  const hostField = singleField(head.fields, 'host');
  if (hostField === undefined || hostField === 'ambiguous') return bad('host-missing-or-repeated');
  const host = canonicalHost(hostField.value);
  if (host.kind === 'refused') return bad(host.reason);

  const target = canonicalTarget(head.target);
  if (target.kind === 'refused') return bad(target.reason);

  const client = clientAddress(head.fields, head.connection.remoteAddress, options.trusted);
  if (client.kind === 'refused') return bad(client.reason);

  // A listener that is meant for a TLS terminator can be reached by others too; their cookies would travel in the clear.
  if (!head.connection.tls && !options.mayBePlain(head.connection.remoteAddress)) return bad('plain-http-refused');

  const endToEnd = endToEndFields(head.fields, { upgrade: head.upgrade });
  if (endToEnd.kind === 'refused') return bad(endToEnd.reason);

  const authorization = singleField(head.fields, 'authorization');
  if (authorization === 'ambiguous') return bad('authorization-repeated');

  const proto = client.proto ?? (head.connection.tls ? 'https' : 'http');
  const authority = host.port === undefined ? host.host : `${host.host}:${host.port}`;
  const fields = options.stripIdentity(endToEnd.fields).fields;
  const reading: Reading = {
    audience: head.upgrade ? 'upgrade' : wantsPage(head) ? 'person' : 'program',
    host: host.host,
    authority,
    address: client.address,
    proto,
    origin: `${proto}://${authority}`,
    fields,
    authorization: authorization?.value,
    streamToken: undefined,
    session: readCookie(fields, sessionCookieName(proto === 'https')),
    pages: options.pages,
    toUpstream: upstreamFields({ head, fields, address: client.address, proto, authority }),
  };
  return { target, reading };
}

function contextOf(head: RequestHead, now: number, target: Target, reading: Reading): RequestContext {
  const { path, query } = target;
  const {
    audience,
    host,
    authority,
    address,
    proto,
    origin,
    fields,
    authorization,
    streamToken,
    session,
    pages,
    toUpstream,
  } = reading;
  const [requestId, whole] = [randomUUID(), target.target];
  return {
    requestId,
    now,
    head,
    audience,
    host,
    authority,
    path,
    query,
    target: whole,
    address,
    proto,
    origin,
    fields,
    authorization,
    streamToken,
    session,
    pages,
    toUpstream,
  };
}

/** What an app's upstream gets beside the identity, made once for each app. */
export function upstreamFields(client: {
  readonly head: Pick<RequestHead, 'fields' | 'upgrade'>;
  readonly fields: Fields;
  readonly address: string;
  readonly proto: 'http' | 'https';
  readonly authority: string;
}): RequestContext['toUpstream'] {
  const { head, fields, address, proto, authority } = client;
  const forwarded = forwardedFields({ address, proto, host: authority });
  let last:
    | { readonly app: UpstreamParty; readonly how: 'open' | undefined; readonly prepared: PreparedFields }
    | undefined;
  return (app, how) => {
    if (last?.app === app && last.how === how) return last.prepared;
    const { upstreamHost, upstreamCredential: own, untold = false, asReceived = false } = app;
    const prepared = asReceived
      ? prepareAsReceived(fieldsAsReceived(head, upstreamHost))
      : prepareFields([
          'Host',
          upstreamHost ?? authority,
          ...forApp(fields, app),
          ...(untold ? [] : forwarded),
          ...(own === undefined || how === 'open' ? [] : [own.name, own.value]),
        ]);
    last = { app, how, prepared };
    return prepared;
  };
}

/** All fields but those that end here, in their order and spelling; only `Host` is another where the app wants it so. */
function fieldsAsReceived({ fields, upgrade }: Pick<RequestHead, 'fields' | 'upgrade'>, host?: string): Fields {
  const kept = endToEndFields(fields, { upgrade, framed: true });
  if (kept.kind === 'refused') throw new TypeError('Cannot pass fields on: they have not been checked');
  if (host === undefined) return kept.fields;
  return kept.fields.map((text, i, all) => (i % 2 === 1 && all[i - 1]?.toLowerCase() === 'host' ? host : text));
}

const bad = (reason: string): BadRequest => ({ kind: 'bad-request', status: 400, reason });
