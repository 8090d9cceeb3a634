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
import type { Live } from './live.ts';
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

/** What an event says of the person. */
interface Who {
  readonly identity: Pick<Live['identity'], 'account' | 'subject'>;
}

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
  event(context: Omit<About, 'path'>, app: App | undefined, event: EventParticulars, live?: Who): void {
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

  /** One more of what has just been written down with its reason. */
  refusedAgain(app: App, reason: string): void {
    this.metrics.refusals.inc({ reason });
    this.answered(app, 'refused');
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
    const about = aboutOf(context);
    const who = whoOf(live);
    this.metrics.sockets.inc({ app: app.name });
    this.event(about, app, { kind: 'websocket-opened', path: about.path, ...noNumbers }, who);
    return (completion) => this.#socketClosed(about, app, who, completion);
  }

  /** An event stream that goes to the client; gives what is to be told of its end, beside `ended`. */
  streamOpened(context: RequestContext, app: App, live: Live | undefined): (completion: Completion) => void {
    const about = aboutOf(context);
    const who = whoOf(live);
    this.metrics.eventStreams.inc({ app: app.name });
    this.event(about, app, { kind: 'stream-opened', path: about.path, ...noNumbers }, who);
    return (completion) => {
      this.metrics.eventStreams.dec({ app: app.name });
      this.#streamEnded(about, app, who, completion, 'events');
    };
  }

  /** Another response than an event stream that we have cut. */
  responseCut(context: RequestContext, app: App, live: Live | undefined, completion: Completion): void {
    this.#streamEnded(context, app, live, completion, 'response');
  }

  /** How a request to an app has ended. */
  ended(context: RequestContext, app: App, live: Live | undefined, completion: Completion): void {
    this.answered(app, completion.end);
    if (completion.failure !== undefined) this.#upstreamFailed(context, app, live, completion.failure);
    if (completion.end === 'client-gone') this.#clientLeft(context, app, completion);
  }

  #socketClosed(about: About, app: App, live: Who | undefined, completion: Completion): void {
    this.answered(app, 'websocket');
    if (completion.failure !== undefined) this.#upstreamFailed(about, app, live, completion.failure);
    this.metrics.sockets.dec({ app: app.name });
    this.#streamEnded(about, app, live, completion, 'websocket');
  }

  #streamEnded(
    about: About,
    app: App,
    live: Who | undefined,
    completion: Completion,
    what: 'websocket' | 'events' | 'response',
  ): void {
    const { bytesToClient, bytesToUpstream, closedBy, end } = completion;
    const numbers = { durationMs: Math.round(completion.durationMs), bytesToClient, bytesToUpstream };
    const reason = closedBy ?? end;
    const kind = what === 'websocket' ? 'websocket-closed' : 'stream-closed';
    this.metrics.streamEnds.inc({ app: app.name, kind: what, reason });
    this.event(about, app, { kind, path: about.path, ...numbers, reason }, live);
  }

  #clientLeft(context: RequestContext, app: App, { status, bytesToClient, bytesToUpstream }: Completion): void {
    const { requestId, address, path } = context;
    this.#parts.onClientLeft({ requestId, app: app.name, address, path, status, bytesToClient, bytesToUpstream });
  }

  #upstreamFailed(context: About, app: App, live: Who | undefined, { code, detail }: UpstreamFailure): void {
    this.metrics.upstreamFailures.inc({ app: app.name, code });
    this.event(context, app, { kind: 'upstream-failed', reason: code, detail, path: context.path }, live);
  }
}

/** What is kept for hours is little. */
const aboutOf = ({ requestId, address, path }: RequestContext): About => ({ requestId, address, path });
const whoOf = (live: Live | undefined): Who | undefined =>
  live && { identity: { account: live.identity.account, subject: live.identity.subject } };

const noNumbers = {
  durationMs: undefined,
  bytesToClient: undefined,
  bytesToUpstream: undefined,
  reason: undefined,
};

/** Enough to know a path by, and not so much that strangers could fill the disk with their own words. */
const shortened = (path: string): string => (path.length > 1_000 ? `${path.slice(0, 1_000)}…` : path);
