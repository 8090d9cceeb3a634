/**
 * Writes down what became of requests: audit events, metrics, and the log. Nothing here
 * decides anything.
 *
 * @module
 */
import type { EventParticulars } from '../core/audit-event.ts';
import type { AuditSink } from '../ports/audit-sink.ts';
import { fieldValues } from '../wire/fields.ts';
import type { Completion, RequestHead, UpstreamFailure } from '../wire/http.ts';
import type { App } from './apps.ts';
import type { Live } from './live-sessions.ts';
import type { Metrics } from './metrics.ts';
import type { RequestContext } from './request-context.ts';

export interface RecorderParts {
  readonly audit: AuditSink;
  readonly metrics: Metrics;
  readonly now: () => number;
  /** For the log: a client went away in the middle of a request or a response. */
  readonly onClientLeft: (details: Readonly<Record<string, string | number>>) => void;
}

/** What an event says of the request that it is about. */
type About = Pick<RequestContext, 'requestId' | 'address' | 'path'>;

/** What the pipeline tells about each request. */
export class Recorder {
  readonly #parts: RecorderParts;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  get metrics(): Metrics {
    return this.#parts.metrics;
  }

  /** An audit event about this request. */
  event(context: Omit<About, 'path'>, app: App | undefined, event: EventParticulars, live?: Live): void {
    this.#parts.audit.write({
      ...('path' in event ? { ...event, path: shortened(event.path) } : event),
      time: this.#parts.now(),
      requestId: context.requestId,
      address: context.address,
      app: app?.name,
      account: live?.identity.account,
      subject: live?.identity.subject,
    });
  }

  /** A request that was answered by us: `outcome` is a word of ours. */
  answered(app: App | undefined, outcome: string): void {
    this.metrics.requests.inc({ app: app?.name ?? '', outcome });
  }

  /** A refusal with its reason. */
  refused(context: RequestContext, app: App | undefined, reason: string, live?: Live): void {
    this.metrics.refusals.inc({ reason });
    this.answered(app, 'refused');
    const { host, path, head } = context;
    this.event(context, app, { kind: 'refused', reason, httpMethod: head.method, host, path }, live);
  }

  /** A request that could not be read in one way only. Its words are a stranger's: they are cut, and the query is left out. */
  badRequest(head: RequestHead, requestId: string, reason: string): void {
    this.metrics.refusals.inc({ reason });
    this.#parts.audit.write({
      kind: 'refused',
      time: this.#parts.now(),
      requestId,
      address: head.connection.remoteAddress,
      app: undefined,
      account: undefined,
      subject: undefined,
      reason,
      httpMethod: head.method.slice(0, 32),
      host: (fieldValues(head.fields, 'host')[0] ?? '').slice(0, 255),
      path: shortened(head.target.split('?')[0] ?? ''),
    });
  }

  /** A WebSocket that the app has accepted; gives what is to be told of its end. It keeps nothing else of the request. */
  socketOpened(context: RequestContext, app: App, live: Live | undefined): (completion: Completion) => void {
    const { requestId, address, path } = context;
    const about = { requestId, address, path };
    this.metrics.sockets.inc({ app: app.name });
    this.event(about, app, { kind: 'websocket-opened', path, ...noNumbers }, live);
    return (completion) => this.#socketClosed(about, app, live, completion);
  }

  /** How a request to an app has ended. */
  ended(context: RequestContext, app: App, live: Live | undefined, completion: Completion): void {
    this.answered(app, completion.end);
    if (completion.failure !== undefined) this.#upstreamFailed(context, app, live, completion.failure);
    if (completion.end === 'client-gone') this.#clientLeft(context, app, completion);
  }

  #socketClosed(about: About, app: App, live: Live | undefined, completion: Completion): void {
    this.answered(app, 'websocket');
    if (completion.failure !== undefined) this.#upstreamFailed(about, app, live, completion.failure);
    this.metrics.sockets.dec({ app: app.name });
    const { bytesToClient, bytesToUpstream, closedBy, end } = completion;
    const numbers = { durationMs: Math.round(completion.durationMs), bytesToClient, bytesToUpstream };
    const reason = closedBy ?? end;
    this.event(about, app, { kind: 'websocket-closed', path: about.path, ...numbers, reason }, live);
  }

  #clientLeft(context: RequestContext, app: App, { status, bytesToClient, bytesToUpstream }: Completion): void {
    const { requestId, address, path } = context;
    this.#parts.onClientLeft({ requestId, app: app.name, address, path, status, bytesToClient, bytesToUpstream });
  }

  #upstreamFailed(context: About, app: App, live: Live | undefined, { code, detail }: UpstreamFailure): void {
    this.metrics.upstreamFailures.inc({ app: app.name, code });
    this.event(context, app, { kind: 'upstream-failed', reason: code, detail, path: context.path }, live);
  }
}

const noNumbers = {
  durationMs: undefined,
  bytesToClient: undefined,
  bytesToUpstream: undefined,
  reason: undefined,
};

/** Enough to know a path by, and not so much that strangers could fill the disk with their own words. */
const shortened = (path: string): string => (path.length > 1_000 ? `${path.slice(0, 1_000)}…` : path);
