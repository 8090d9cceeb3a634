import { passableTrailers, type PreparedFields } from '@cardea/http1';
import type { Fields } from '../wire/fields.ts';
import type { Completion, Forward, LastingResponse, Reply, Tap, Tunnel, Upstream } from '../wire/http.ts';
import { endToEndTrailers } from '../wire/trailers.ts';
import type { App } from './apps.ts';
import { notSignedIn, tooManyStreams } from './answers.ts';
import { forClient, forLimitedClient } from './between.ts';
import { replyWithEdge } from './edge-verdict.ts';
import type { ResponseFilter } from './edge.ts';
import type { Live } from './live.ts';
import type { Meter } from './metered.ts';
import { inModelForm } from './model-answers.ts';
import type { Recorder } from './recorder.ts';
import type { ReadingOptions, RequestContext } from './request-context.ts';
import { closeCodeOf, type StreamEnd } from './stream-ends.ts';
import type { Streams } from './streams.ts';

export interface ForwardedParts {
  readonly context: RequestContext;
  readonly app: App;
  readonly live: Live | undefined;
  readonly identity: PreparedFields | undefined;
  /** What the credentials say to the app beyond the identity. */
  readonly appFields: Fields;
  readonly recorder: Recorder;
  readonly reading: Pick<ReadingOptions, 'stripIdentity' | 'trusted'>;
  readonly streams: Streams;
  /** Everybody may ask this. */
  readonly open?: boolean;
  /** For an app with limits. */
  readonly meter?: Meter | undefined;
}

/** A request that goes on to its app: what the app gets, and the record of how it ended. */
export class Forwarded implements Forward {
  readonly kind = 'forward';
  readonly upstream: Upstream;
  readonly target: string;
  readonly prepared: readonly PreparedFields[];
  readonly fields: Fields;
  readonly responseFields: Fields;
  readonly upstreamFields: ResponseFilter | undefined;
  readonly asReceived: boolean;
  readonly tap: ((status: number, fields: Fields) => Tap) | undefined;
  readonly #parts: ForwardedParts;
  /** It has one of the person's places. */
  #placed = false;
  #stream: LastingStream | undefined;

  constructor(parts: ForwardedParts, ownResponseFields: Fields) {
    const { context, app, identity, appFields, meter } = parts;
    const client = context.toUpstream(app, parts.open === true ? 'open' : undefined);
    this.upstream = app.upstream;
    this.asReceived = app.asReceived === true;
    this.target = this.asReceived ? context.head.target : context.target;
    const ours = this.asReceived ? undefined : tellsLimits(meter) ? forLimitedClient : forClient;
    this.upstreamFields = app.edge === undefined ? ours : app.edge.filter(context.proto, ours);
    this.prepared = identity === undefined ? [client] : [client, identity];
    this.fields = app.untold === true ? appFields : ['X-Request-Id', context.requestId, ...appFields];
    const cors = context.head.upgrade ? undefined : app.edge?.cors;
    const responseFields = meter === undefined ? ownResponseFields : [...ownResponseFields, ...meter.responseFields];
    this.tap = meter && ((status, fields) => meter.tap(status, fields));
    this.responseFields = cors === undefined ? responseFields : [...responseFields, ...cors.fieldsFor(context.head)];
    this.#parts = parts;
  }

  /** What an answer of ours in the place of the app's depends on. */
  get about(): RequestContext {
    return this.#parts.context;
  }

  /** An answer of ours in the place of the app's. */
  instead(reply: Reply): Reply {
    const { app, context } = this.#parts;
    const ours = app.limits === undefined ? reply : inModelForm(reply);
    return app.edge === undefined ? ours : replyWithEdge(ours, app.edge, context, true);
  }

  /** Somebody else carries the request, and nobody will tell how it ended. */
  carriedByOther(): void {
    const { app, recorder } = this.#parts;
    this.#leaves()?.();
    recorder.answered(app, 'forward-auth');
  }

  /** The client is a proxy, by the configuration or by its own word. */
  get sharedClient(): boolean {
    const { context, reading } = this.#parts;
    const { fields, connection } = context.head;
    return reading.trusted(connection.remoteAddress) || fields.some(isProxysWord);
  }

  requestTrailers(trailers: Fields): Fields {
    if (this.asReceived) return passableTrailers(trailers);
    // A server that takes trailers for headers would believe them about credentials too.
    const { app } = this.#parts;
    if ((app.limits ?? app.upstreamCredential) !== undefined) return noFields;
    return endToEndTrailers(trailers, this.#parts.reading.stripIdentity);
  }

  /**
   * Takes one of the places that the person has, which is given back when the request has ended; false when they have none left.
   * For what is known to last before the app has answered.
   */
  takesPlace(): boolean {
    const { app, live, streams } = this.#parts;
    if (live === undefined || app.signIn === 'none' || this.#placed) return true;
    this.#placed = streams.enter(app, live);
    return this.#placed;
  }

  opened(tunnel: Tunnel): (completion: Completion) => void {
    const { context, app, live, recorder, meter } = this.#parts;
    const told = recorder.socketOpened(context, app, live);
    const closed = app.signIn === 'none' ? undefined : this.#watched((why) => tunnel.close(closeCodeOf(why), why));
    const leave = this.#leaves();
    return (completion) => {
      closed?.();
      leave?.();
      meter?.ended(completion);
      told(completion);
    };
  }

  lasts(response: LastingResponse): Reply | undefined {
    const { context, app, live, recorder, meter } = this.#parts;
    if (response.eventStream && !this.takesPlace()) {
      meter?.refused('too-many-streams');
      recorder.refused(context, app, 'too-many-streams', live);
      return this.instead(tooManyStreams(context, app.streams.perPerson));
    }
    const told = response.eventStream ? recorder.streamOpened(context, app, live) : undefined;
    const { signIn } = app;
    const closed =
      signIn === 'none'
        ? undefined
        : this.#watched((why) => response.cut(why, () => this.instead(notSignedIn(context, signIn.offer))));
    this.#stream = { told, closed };
    return undefined;
  }

  ended(completion: Completion): void {
    const { context, app, live, recorder, meter } = this.#parts;
    const stream = this.#stream;
    this.#leaves()?.();
    meter?.ended(completion);
    stream?.closed?.();
    stream?.told?.(completion);
    if (stream !== undefined && stream.told === undefined && completion.closedBy !== undefined)
      recorder.responseCut(context, app, live, completion);
    recorder.ended(context, app, live, completion);
  }

  /** Ends with the sign-in from now on. What it gives is to be called when it has ended. */
  #watched(end: (why: StreamEnd) => void): () => void {
    const { context, app, live, streams } = this.#parts;
    const { head, path, address } = context;
    return streams.open({ app, live, method: head.method, path, address, end });
  }

  /** What gives the place back, once; it keeps nothing else of the request. */
  #leaves(): (() => void) | undefined {
    const { app, live, streams } = this.#parts;
    if (!this.#placed || live === undefined) return undefined;
    this.#placed = false;
    return streams.takenBy(app, live);
  }
}

/** Whom to tell of the end of a response that lasts. */
interface LastingStream {
  readonly told: ((completion: Completion) => void) | undefined;
  readonly closed: (() => void) | undefined;
}

const noFields: Fields = [];

const tellsLimits = (meter: Meter | undefined): boolean => meter !== undefined && meter.responseFields.length > 0;

/** Names of fields that proxies add and browsers do not. */
const isProxysWord = (text: string, i: number): boolean =>
  i % 2 === 0 && /^(?:via|forwarded|x-forwarded-for)$/i.test(text);
