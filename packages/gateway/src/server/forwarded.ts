import type { PreparedFields } from '@cardea/http1';
import type { Fields } from '../wire/fields.ts';
import type { Completion, Forward, Upstream } from '../wire/http.ts';
import { endToEndTrailers } from '../wire/trailers.ts';
import type { App } from './apps.ts';
import { forClient } from './between.ts';
import type { Live } from './live-sessions.ts';
import type { Recorder } from './recorder.ts';
import type { ReadingOptions, RequestContext } from './request-context.ts';

export interface ForwardedParts {
  readonly context: RequestContext;
  readonly app: App;
  readonly live: Live | undefined;
  readonly identity: PreparedFields | undefined;
  /** What the credentials say to the app beyond the identity. */
  readonly appFields: Fields;
  readonly recorder: Recorder;
  readonly reading: Pick<ReadingOptions, 'stripIdentity'>;
}

/** A request that goes on to its app: what the app gets, and the record of how it ended. */
export class Forwarded implements Forward {
  readonly kind = 'forward';
  readonly upstream: Upstream;
  readonly target: string;
  readonly prepared: readonly PreparedFields[];
  readonly fields: Fields;
  readonly responseFields: Fields;
  readonly upstreamFields = forClient;
  readonly #parts: ForwardedParts;

  constructor(parts: ForwardedParts, responseFields: Fields) {
    const { context, app, identity, appFields } = parts;
    const client = context.toUpstream(app);
    this.upstream = app.upstream;
    this.target = context.target;
    this.prepared = identity === undefined ? [client] : [client, identity];
    this.fields = ['X-Request-Id', context.requestId, ...appFields];
    this.responseFields = responseFields;
    this.#parts = parts;
  }

  /** What an answer of ours in the place of the app's depends on. */
  get about(): RequestContext {
    return this.#parts.context;
  }

  requestTrailers(trailers: Fields): Fields {
    return endToEndTrailers(trailers, this.#parts.reading.stripIdentity);
  }

  opened(): (completion: Completion) => void {
    const { context, app, live, recorder } = this.#parts;
    return recorder.socketOpened(context, app, live);
  }

  ended(completion: Completion): void {
    const { context, app, live, recorder } = this.#parts;
    recorder.ended(context, app, live, completion);
  }
}
