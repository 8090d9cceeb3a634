/**
 * Probes of `cardea doctor`: requests that go the whole way of a request, through whatever stands in front, the listener, the
 * pipeline and its hygiene, but arrive at doctor's own listener on loopback in the place of the app, where what arrives can be seen.
 *
 * A probe carries a token that is sealed with the gateway's keys and good for seconds. Who can make one has `keys.json`, and could
 * make sessions with it; whoever sees one can send requests to a port of 127.0.0.1 where doctor listened a moment ago. No app gets
 * anything of a probe.
 *
 * @module
 */
import { compilePolicy } from '../policy/compile.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { Fields } from '../wire/fields.ts';
import type {
  Client,
  Forward,
  Handler,
  Inspection,
  Judgement,
  Reply,
  RequestHead,
  UpstreamFailure,
  Verdict,
} from '../wire/http.ts';
import type { App } from './apps.ts';

/** The field that carries the token. Like all `x-cardea-*` it never reaches an app. */
export const probeField = 'X-Cardea-Probe';

/** How long a token is good. */
const lifetimeMs = 20_000;

/**
 * What a probe asks: `anybody`: as if everybody were welcome. `signed-in`: as if everybody were welcome who is signed in, so that
 * nothing arrives unless the request counts as somebody's.
 */
export type ProbeKind = 'anybody' | 'signed-in';

interface Probe {
  readonly kind: ProbeKind;
  readonly port: number;
}

/** A token for probes that are to arrive at this port of 127.0.0.1. */
export function probeToken(sealer: Sealer, { kind, port }: Probe, now: number): string {
  return sealer.seal(Buffer.from(JSON.stringify({ kind, port, until: now + lifetimeMs })));
}

/** The probe that a token stands for; `undefined` for one that is not ours, or too old. */
export function readProbe(sealer: Sealer, token: string, now: number): Probe | undefined {
  const opened = sealer.open(token);
  if (opened === undefined) return undefined;
  const value: unknown = JSON.parse(Buffer.from(opened).toString());
  if (typeof value !== 'object' || value === null || !('kind' in value && 'port' in value && 'until' in value))
    return undefined;
  const { kind, port, until } = value;
  if ((kind !== 'anybody' && kind !== 'signed-in') || !isPort(port) || typeof until !== 'number') return undefined;
  return now < until && until - now <= 2 * lifetimeMs ? { kind, port } : undefined;
}

/** It becomes a part of an address: nothing but a number may. */
const isPort = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;

/** The apps as probes of this kind find them. */
export function appsForProbes(apps: readonly App[], kind: ProbeKind): readonly App[] {
  const rule = kind === 'anybody' ? { public: true as const } : { signed_in: true as const };
  const policy = compilePolicy([{ path: '/**', ...rule }]);
  return apps.map((app) => ({ ...app, policy, csrf: false, upstreamCredential: withoutSecret(app) }));
}

/** The app's key is for the app, and doctor is another. The field is in its place. */
const withoutSecret = ({ upstreamCredential: own }: App): App['upstreamCredential'] =>
  own && { name: own.name, value: 'not-for-probes' };

export interface ProbedParts {
  /** Judges everything else, and knows what to say when something fails. */
  readonly handler: Handler;
  /** Judges probes: made like `handler`, for `appsForProbes`. Made when the first probe comes. */
  readonly forProbes: (kind: ProbeKind) => Handler;
  readonly sealer: Sealer;
  readonly now: () => number;
}

/** A handler that takes probes. A token that is not good is as if it were not there. */
export class Probed implements Handler {
  readonly #parts: ProbedParts;
  readonly #handlers = new Map<ProbeKind, Handler>();

  constructor(parts: ProbedParts) {
    this.#parts = parts;
  }

  decide(head: RequestHead, client: Client): Verdict | Promise<Verdict> {
    const token = tokenOf(head.fields);
    if (token === undefined) return this.#parts.handler.decide(head, client);
    const probe = readProbe(this.#parts.sealer, token, this.#parts.now());
    return probe === undefined ? this.#parts.handler.decide(head, client) : this.#probe(probe, head, client);
  }

  upstreamFailed(head: RequestHead, failure: UpstreamFailure, verdict: Forward): Reply {
    return this.#parts.handler.upstreamFailed(head, failure, verdict);
  }

  badRequest(status: number, detail: string): Reply {
    return this.#parts.handler.badRequest(status, detail);
  }

  async #probe({ kind, port }: Probe, head: RequestHead, client: Client): Promise<Verdict> {
    const handler = this.#handlers.get(kind) ?? this.#parts.forProbes(kind);
    this.#handlers.set(kind, handler);
    const verdict = await handler.decide(head, client);
    if (verdict.kind === 'inspect') {
      const judge = async (content: Uint8Array): Promise<Judgement> => {
        const judgement = await verdict.judge(content);
        return judgement.kind === 'forward' ? toDoctor(judgement, port) : judgement;
      };
      const inspected: Required<Inspection> = {
        kind: 'inspect',
        maxBytes: verdict.maxBytes,
        holder: verdict.holder,
        judge,
        refuse: (why) => verdict.refuse(why),
        abandoned: (status) => verdict.abandoned?.(status),
      };
      return inspected;
    }
    return verdict.kind === 'forward' ? toDoctor(verdict, port) : verdict;
  }
}

/** The same on its way to doctor's listener. */
function toDoctor(verdict: Forward, port: number): Forward {
  // All of a forward: the compiler finds what is missing here.
  const probed: Required<Forward> = {
    kind: 'forward',
    upstream: {
      origin: `http://127.0.0.1:${port}`,
      ca: undefined,
      connectTimeoutMs: 2_000,
      responseTimeoutMs: 5_000,
    },
    target: verdict.target,
    fields: verdict.fields,
    prepared: verdict.prepared,
    responseFields: verdict.responseFields,
    upstreamFields: verdict.upstreamFields,
    asReceived: verdict.asReceived ?? false,
    get sharedClient() {
      return verdict.sharedClient ?? false;
    },
    requestTrailers: (trailers) => verdict.requestTrailers?.(trailers) ?? [],
    opened: (tunnel) => verdict.opened?.(tunnel),
    lasts: (response) => verdict.lasts?.(response),
    tap: (status, fields) => verdict.tap?.(status, fields),
    ended: (completion) => verdict.ended?.(completion),
  };
  return probed;
}

const lowerField = probeField.toLowerCase();

/** Every request comes by here: nothing is made of fields that have another length. */
function tokenOf(fields: Fields): string | undefined {
  for (let i = 0; i < fields.length; i += 2)
    if (fields[i]?.length === lowerField.length && fields[i]?.toLowerCase() === lowerField) return fields[i + 1];
  return undefined;
}
