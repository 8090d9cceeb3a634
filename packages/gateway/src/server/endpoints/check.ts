import type { ScopedUse } from '../../auth/api-key.ts';
import { SessionCache } from '../../auth/session-cache.ts';
import type { EventParticulars } from '../../core/audit-event.ts';
import type { Identity } from '../../core/identity.ts';
import { sparingly } from '../../core/sparingly.ts';
import { anonymous } from '../../policy/subject.ts';
import { canonicalPath } from '../../wire/path.ts';
import { type App, withoutPathParameters } from '../apps.ts';
import {
  type Answer,
  answerMembership,
  answerRequest,
  answerRequestOf,
  no,
  type RequestQuestion,
  yes,
} from '../authorization.ts';
import type { Live } from '../live.ts';
import type { LookUpOther, OtherPerson } from '../other-people.ts';
import { jsonReply, toResponse } from '../replies.ts';
import type { RequestContext } from '../request-context.ts';
import { isTakenHere } from '../taken-here.ts';
import { type AskedQuestion, readCheckRequest } from './check-request.ts';
import type { Endpoint, EndpointContext } from './endpoint.ts';

export interface CheckOptions {
  /** How long an answer may be used again. */
  readonly ttlMs: number;
  /** `undefined` where no directory knows people. */
  readonly lookUp: LookUpOther | undefined;
  readonly apps: {
    /** The app that answers for a path of a host. */
    at(host: string, path: string): App | undefined;
    /** Names of all apps of a host. */
    of(host: string): readonly string[];
  };
  /** Whether a path is one of the gateway's own. */
  readonly isOwnPath: (path: string) => boolean;
  readonly keys: {
    /** Whether the credential that was shown reaches so far: an API key may be for a part of an app alone. */
    mayUse(identity: Identity, what: ScopedUse, now: number): Promise<boolean>;
    /** Whether it is an API key for one of these apps that may ask about others. */
    mayCheck(identity: Identity, apps: readonly string[], now: number): Promise<boolean>;
  };
  readonly now: () => number;
}

/** So often is it written down that somebody asks about the same person. */
const noteMs = 600_000;
/** So many of these are written down in a second. */
const notesPerSecond = 20;

type AskedEvent = Extract<EventParticulars, { readonly kind: 'authorization-asked' | 'authorization-refused' }>;
type Note = (about: EndpointContext, event: AskedEvent) => void;

/**
 * `POST /auth/check`: may this person do this on this app, are they in that group, have they this role or module? For oneself
 * by any sign-in; about others with an API key that has the right. Questions are answered in their order.
 */
export function checkAuthorization(options: CheckOptions): Endpoint {
  const note = auditNotes(options.now);
  return {
    path: '/check',
    methods: ['POST'],
    signIn: 'required',
    async handle(request, about) {
      const { context, live } = about;
      const refuse = (status: number, error: string, message: string, extra: readonly string[] = []): Response =>
        toResponse(jsonReply(status, { error, message, requestId: context.requestId }, extra));
      if (live === undefined) return refuse(401, 'not-signed-in', 'Sign in first');
      const read = await readCheckRequest(request);
      if (read.kind === 'wrong') return refuse(read.status, 'bad-request', read.message);
      const { questions } = read;
      const others = [...new Set(questions.flatMap(({ user }) => user ?? []))];
      let people: ReadonlyMap<string, OtherPerson> = new Map();
      if (others.length > 0) {
        // Before anything is looked up: strangers learn nothing, not even whether there is a directory.
        if (!(await options.keys.mayCheck(live.identity, options.apps.of(context.host), context.now))) {
          for (const other of others) note(about, { kind: 'authorization-refused', about: other, leftOut: 0 });
          return refuse(
            403,
            'not-allowed',
            'Only an API key that was made with --may check, for an app of this host, may ask about others',
          );
        }
        const { lookUp } = options;
        if (lookUp === undefined)
          return refuse(501, 'directory-not-configured', 'There is no directory that knows people: see directory');
        for (const other of others) note(about, { kind: 'authorization-asked', about: other, leftOut: 0 });
        const found = await Promise.all(
          others.map(async (other) => [other, await lookUp(other, context.now)] as const),
        );
        if (found.some(([, person]) => person.kind === 'unavailable'))
          return refuse(503, 'directory-unavailable', 'The directory cannot be asked right now: nothing is allowed', [
            'Retry-After',
            '5',
          ]);
        people = new Map(found);
      }
      const answers: Answer[] = [];
      for (const one of questions) answers.push(await answerOf(one, people, { context, live, options }));
      return replied(answers, Math.min(options.ttlMs, live.identity.expiresAt - context.now));
    },
  };
}

interface Asking {
  readonly context: RequestContext;
  readonly live: Live;
  readonly options: CheckOptions;
}

async function answerOf(
  { user, question }: AskedQuestion,
  people: ReadonlyMap<string, OtherPerson>,
  asking: Asking,
): Promise<Answer> {
  const { context, live } = asking;
  const other = user === undefined ? undefined : people.get(user);
  if (user !== undefined && other?.kind !== 'known')
    return no(other?.kind === 'barred' ? 'not-allowed' : 'unknown-user');
  const subject = other?.kind === 'known' ? other.subject : undefined;
  if (question.kind !== 'request') return answerMembership(question, subject ?? live.subject, context);

  const place = placeOf(question, context.host, asking.options);
  if (place === undefined) return no('bad-path');
  const { app, path } = place;
  const { method, address } = question;
  if (!(await asking.options.keys.mayUse(live.identity, { app: app.name, method, path }, context.now)))
    return no('out-of-scope');
  if (app.signIn === 'none') return yes;
  if (subject !== undefined) return answerRequestOf(app.policy, subject, { method, path, address }, context.now);
  const own = isTakenHere(app, live) ? live.subject : anonymous;
  return answerRequest(app.policy, own, { method, path }, context);
}

/** Where such a request would go; `undefined` where it would go nowhere. */
function placeOf(
  { path: written }: RequestQuestion,
  host: string,
  { apps, isOwnPath }: CheckOptions,
): { readonly app: App; readonly path: string } | undefined {
  const canonical = canonicalPath(written);
  if (canonical.kind === 'refused' || isOwnPath(canonical.path)) return undefined;
  const { path } = canonical;
  const app = apps.at(host, path);
  if (app === undefined) return undefined;
  const plain = withoutPathParameters(path);
  return plain !== path && (apps.at(host, plain) !== app || isOwnPath(plain)) ? undefined : { app, path };
}

function replied(answers: readonly Answer[], ttlMs: number): Response {
  const ttl = Math.max(0, Math.floor(ttlMs / 1000));
  return Response.json(
    { answers, ttl },
    {
      headers: {
        'Cache-Control': ttl === 0 ? 'no-store' : `private, max-age=${ttl}`,
        Vary: 'Cookie, Authorization, X-API-Key',
        'X-Content-Type-Options': 'nosniff',
      },
    },
  );
}

/** Writes down who asks about whom: once in a while for each pair, and a few in a second at most. */
function auditNotes(now: () => number): Note {
  const known = new SessionCache<true>({ maxEntries: 20_000, maxAgeMs: noteMs });
  const write = sparingly(
    notesPerSecond,
    now,
    ({ about, event, leftOut = 0 }: { about: EndpointContext; event: AskedEvent; leftOut?: number }) =>
      about.record({ ...event, leftOut }),
  );
  return (about, event) => {
    const { now: at } = about.context;
    const key = JSON.stringify([event.kind, about.live?.identity.subject, event.about.toLowerCase()]);
    if (known.get(key, at) !== undefined) return;
    known.set(key, true, at + noteMs, at);
    write({ about, event });
  };
}
