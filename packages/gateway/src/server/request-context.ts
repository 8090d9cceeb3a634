/**
 * The first steps of every request: strict reading, one canonical host and path, the
 * client's address, and identity fields of the client's own making removed. What
 * comes out is all that later steps look at.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { wantsPage } from '../wire/accepts.ts';
import { type Fields, singleField } from '../wire/fields.ts';
import { clientAddress } from '../wire/forwarded.ts';
import { endToEndFields } from '../wire/hop-by-hop.ts';
import { canonicalHost } from '../wire/host.ts';
import type { RequestHead } from '../wire/http.ts';
import { canonicalTarget } from '../wire/path.ts';
import { checkRequest } from '../wire/request-check.ts';

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
}

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
}

/** Reads one request strictly; whatever could be read in two ways is a `BadRequest`. */
export function readRequest(head: RequestHead, now: number, options: ReadingOptions): RequestContext | BadRequest {
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
  return {
    requestId: randomUUID(),
    now,
    head,
    audience: head.upgrade ? 'upgrade' : wantsPage(head) ? 'person' : 'program',
    host: host.host,
    authority,
    path: target.path,
    query: target.query,
    target: target.target,
    address: client.address,
    proto,
    origin: `${proto}://${authority}`,
    fields: options.stripIdentity(endToEnd.fields).fields,
    authorization: authorization?.value,
    streamToken: undefined,
  };
}

const bad = (reason: string): BadRequest => ({ kind: 'bad-request', status: 400, reason });
