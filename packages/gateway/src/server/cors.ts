/**
 * Cross-origin resource sharing (Fetch standard, 3.2) at the edge: the gateway says which other sites' pages may read an
 * app's responses, and answers their preflights before anybody signs in.
 *
 * @module
 */
import { type Fields, singleField } from '../wire/fields.ts';
import type { Reply, RequestHead } from '../wire/http.ts';

export interface CorsOptions {
  /** As browsers write them. `'*'`: all. */
  readonly origins: readonly string[] | '*';
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly expose: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeMs: number;
}

export interface Cors {
  readonly credentials: boolean;
  /** Responses differ by who asks. */
  readonly varies: boolean;
  /** Whether pages of this origin may read responses. */
  allows(origin: string): boolean;
  /** The fields of a response to this request that let its page read it; none for any other page, and for our own. */
  fieldsFor(head: Pick<RequestHead, 'fields'>): Fields;
  /** The answer to a preflight; `undefined` for any other request. */
  preflight(head: Pick<RequestHead, 'fields' | 'method'>): Preflight | undefined;
}

export interface Preflight {
  readonly allowed: boolean;
  readonly reply: Reply;
}

/** What one site is told. */
interface Said {
  readonly fields: Fields;
  readonly preflight: Reply;
}

const NONE: Fields = [];

/** Prepares what is said to each site. */
export function corsOf({ origins, methods, headers, expose, credentials, maxAgeMs }: CorsOptions): Cors {
  if (origins === '*' && credentials) throw new TypeError('Cannot let every site act with credentials');
  const varies = origins !== '*';
  const shared = credentials ? ['Access-Control-Allow-Credentials', 'true'] : [];
  const exposed = expose.length === 0 ? [] : ['Access-Control-Expose-Headers', expose.join(', ')];
  const answer = (origin: string): Fields => ['Access-Control-Allow-Origin', origin, ...shared, ...exposed];
  const preflightAnswer = (origin: string): Reply => ({
    status: 204,
    fields: [
      'Access-Control-Allow-Origin',
      origin,
      ...shared,
      'Access-Control-Allow-Methods',
      methods.join(', '),
      ...(headers.length === 0 ? [] : ['Access-Control-Allow-Headers', headers.join(', ')]),
      'Access-Control-Max-Age',
      String(Math.floor(maxAgeMs / 1000)),
      ...(varies ? ['Vary', 'Origin'] : []),
    ],
    body: '',
  });
  const said = new Map<string, Said>();
  for (const origin of varies ? origins : ['*'])
    said.set(origin, { fields: answer(origin), preflight: preflightAnswer(origin) });
  const find = (origin: string): Said | undefined => said.get(varies ? origin : '*');
  return {
    credentials,
    varies,
    allows: (origin) => find(origin) !== undefined,
    fieldsFor: ({ fields }) => {
      const origin = singleField(fields, 'origin');
      return origin === undefined || origin === 'ambiguous' ? NONE : (find(origin.value)?.fields ?? NONE);
    },
    preflight({ fields, method }) {
      if (method !== 'OPTIONS') return undefined;
      const origin = singleField(fields, 'origin');
      const wanted = singleField(fields, 'access-control-request-method');
      if (origin === undefined || wanted === undefined) return undefined;
      const found = origin === 'ambiguous' || wanted === 'ambiguous' ? undefined : find(origin.value);
      return found === undefined ? { allowed: false, reply: refusal } : { allowed: true, reply: found.preflight };
    },
  };
}

/** Browsers read nothing of it but that it lets nobody in. */
const refusal: Reply = {
  status: 403,
  fields: ['Content-Type', 'text/plain; charset=utf-8', 'Cache-Control', 'no-store', 'Vary', 'Origin'],
  body: 'Pages of this origin may not read responses of this app\n',
};
