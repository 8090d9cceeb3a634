import { z } from 'zod';
import { grants, shortfalls } from '../../policy/condition.ts';
import { pathRefusals } from '../../policy/decide.ts';
import { credentialKinds } from '../../policy/rule.ts';
import { canonicalAddress } from '../../wire/cidr.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';
import { duration, group, leaf } from '../values/leaf.ts';
import { method, parseMethod, word } from '../values/name.ts';

/** Every reason that policy has. */
export const reasons = [...shortfalls, ...pathRefusals, ...grants] as const;

export type Reason = (typeof reasons)[number];

/** A test of an app's rules, which stands beside them. */
export interface Expectation {
  readonly user?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly signed_in_by?: string | undefined;
  readonly signed_in_ago?: number | undefined;
  readonly credentials?: readonly string[] | undefined;
  readonly method: string;
  readonly path: string;
  readonly address?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at?: number | undefined;
  readonly allowed: boolean;
  readonly because?: Reason | undefined;
}

const sentenceExample = 'bob is refused /risk/report';
const sentence =
  /^(?:(nobody)|group (.{1,200}?)|(.{1,200}?)) is (allowed|refused) (?:([A-Z-]{1,32}) )?(\/\S*)(?: because ([a-z-]+))?$/;

/** Reads `bob is refused POST /risk/report because not-in-group`. `nobody` has not signed in; `group x` is somebody in it. */
export function parseSentence(text: string): Parsed<Expectation> {
  const [whole, nobody, ofGroup, user, verdict, verb = 'GET', path = '', because] = sentence.exec(text) ?? [];
  if (whole === undefined)
    return wrong(`"${text}" is not an expectation`, `Write it like "${sentenceExample}", or as a mapping.`);
  const reason = reasons.find((one) => one === because);
  if (because !== undefined && reason === undefined)
    return wrong(`there is no reason "${because}"`, `Use one of these: ${reasons.join(', ')}.`);
  const parsed = parseMethod(verb);
  if (parsed.kind === 'wrong') return parsed;
  const allowed = verdict === 'allowed';
  const who = nobody === undefined ? (ofGroup === undefined ? { user } : { groups: [ofGroup] }) : {};
  return ok({ ...who, method: parsed.value, path, allowed, because: reason });
}

const requestPath = () =>
  leaf('path', '/risk/report', (text) =>
    text.startsWith('/') && !/\s/.test(text)
      ? ok(text)
      : wrong(`"${text}" is not a path`, 'Write it as it stands in a request, for example /risk/report.'),
  );

const clientAddress = () =>
  leaf('IP address', '10.1.2.3', (text) => {
    const address = canonicalAddress(text);
    return address === undefined ? wrong(`"${text}" is not an IP address`, 'Write one like 10.1.2.3.') : ok(address);
  });

const moment = () => leaf('date and time', '2026-11-23T08:30:00+01:00', parseMoment);

/** A moment with its offset from UTC (RFC 3339), in milliseconds since the epoch. */
export function parseMoment(text: string): Parsed<number> {
  const right = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:[0-9]{2})$/.test(text);
  const at = right ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at)
    ? wrong(
        `"${text}" is not a date and time with an offset`,
        'Write it like 2026-11-23T08:30:00+01:00, or with Z for UTC.',
      )
    : ok(at);
}

const mapping = () =>
  z
    .strictObject({
      user: word('bob').optional().describe('A person of the users file, with their groups, or any other name.'),
      groups: z.array(group()).optional().describe('Groups of the person: names or SIDs.'),
      signed_in_by: word('negotiate')
        .optional()
        .describe('How the person signed in: name or kind of a `sign_in` entry. Default: the first that suits.'),
      signed_in_ago: duration('0s', '365d', '5m').optional().describe('How long ago. Default: just now.'),
      credentials: z
        .array(z.enum(credentialKinds))
        .optional()
        .describe('What the request carries. Default: what the method gives.'),
      method: method().prefault('GET').describe('The HTTP method.'),
      path: requestPath().describe('The path, as a request has it.'),
      address: clientAddress().optional().describe("The client's address. Needed where it matters."),
      at: moment().optional().describe('When. Needed where it matters.'),
      allowed: z.boolean().describe('What is expected.'),
      because: z.enum(reasons).optional().describe('The reason that is expected.'),
    })
    .transform((value): Expectation => value);

/** What the rules of an app are expected to do: tests of the policy that live beside it. */
export const expectations = () =>
  z
    .array(z.union([leaf<Expectation>('sentence', sentenceExample, parseSentence), mapping()]))
    .prefault([])
    .meta({ 'x-examples': [[sentenceExample]] })
    .describe(
      'What the rules are expected to do; `cardea check` tries each one. A sentence (`bob is refused POST /risk/report because not-in-group`, `nobody is allowed /health`, `group risk-team is allowed /risk`), or a mapping. Without `user`, `groups` and `signed_in_by` nobody has signed in.',
    );
