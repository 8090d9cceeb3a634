/**
 * What `POST /auth/check` is asked, read strictly: who asks wrongly is told where and what, and gets no answer that they
 * might take for one.
 *
 * @module
 */
import { z } from 'zod';
import { parseMethod } from '../../config/values/name.ts';
import { canonicalAddress } from '../../wire/cidr.ts';
import type { Question } from '../authorization.ts';

/** Questions in one request. */
export const maxQuestions = 100;

export interface AskedQuestion {
  /** `undefined`: who asks, asks for themselves. */
  readonly user: string | undefined;
  readonly question: Question;
}

export type CheckRequest =
  | { readonly kind: 'ok'; readonly questions: readonly AskedQuestion[] }
  /** In words for whoever has written the caller. */
  | { readonly kind: 'wrong'; readonly status: 400 | 415; readonly message: string };

/** Names in the forms that a directory finds somebody by: `CORP\bob`, `bob@corp.example`, or a SID. */
const named = /^(?:S-1(?:-[0-9]{1,15}){1,15}|[^\\@\p{C}]+\\[^\\\p{C}]+|[^\\@\p{C}]+@[^\\@\p{C}]+)$/u;

const user = z.string().max(256).regex(named, 'write DOMAIN\\name, name@domain or a SID');
const word = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => text === text.trim() && !/\p{Cc}/u.test(text), 'blanks around it, or control characters');
const groups = z.array(word).min(1).max(100);
const method = z.string().superRefine((text, context) => {
  const parsed = parseMethod(text);
  if (parsed.kind === 'wrong') context.addIssue({ code: 'custom', message: `${parsed.message}. ${parsed.fix}` });
});

const check = z
  .strictObject({
    user: user.optional(),
    path: z.string().min(1).max(8_192).startsWith('/', 'begin it with /').optional(),
    method: method.optional(),
    address: z
      .string()
      .refine((text) => canonicalAddress(text) !== undefined, 'this is no IP address')
      .optional(),
    group: word.optional(),
    any_of_groups: groups.optional(),
    all_of_groups: groups.optional(),
    role: word.optional(),
    module: word.optional(),
  })
  .superRefine((value, context) => {
    const subjects = kinds.filter((kind) => value[kind] !== undefined);
    if (subjects.length !== 1)
      context.addIssue({ code: 'custom', message: `ask about one thing: ${kinds.join(', ')}` });
    else if (value.path === undefined && (value.method ?? value.address) !== undefined)
      context.addIssue({ code: 'custom', message: 'method and address belong to path' });
  });

const kinds = ['path', 'group', 'any_of_groups', 'all_of_groups', 'role', 'module'] as const;

const body = z.strictObject({ user: user.optional(), checks: z.array(check).min(1).max(maxQuestions) });

/** Reads the body of a request. Its `user` stands for every question that has none of its own. */
export async function readCheckRequest(request: Request): Promise<CheckRequest> {
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') return wrong(415, 'Send JSON (Content-Type: application/json)');
  let json: unknown;
  try {
    json = JSON.parse(await request.text());
  } catch {
    return wrong(400, 'The body is not JSON');
  }
  const parsed = body.safeParse(json);
  if (!parsed.success) return wrong(400, problemsOf(parsed.error));
  const { user: everybody, checks } = parsed.data;
  const questions = checks.map((one) => ({ user: one.user ?? everybody, question: questionOf(one) }));
  const ownAddress = questions.findIndex(
    ({ user: other, question }) => other === undefined && question.kind === 'request' && question.address !== undefined,
  );
  if (ownAddress !== -1)
    return wrong(400, `checks[${ownAddress}]: address belongs to questions about others; yours is known`);
  return { kind: 'ok', questions };
}

function questionOf(one: z.output<typeof check>): Question {
  const { path, method: verb = 'GET', address, group, any_of_groups: any, all_of_groups: all, role, module } = one;
  if (path !== undefined) return { kind: 'request', method: verb, path, address: address && canonicalAddress(address) };
  if (role !== undefined) return { kind: 'role', role };
  if (module !== undefined) return { kind: 'module', module };
  if (all !== undefined) return { kind: 'groups', groups: all, all: true };
  return { kind: 'groups', groups: any ?? (group === undefined ? [] : [group]), all: false };
}

/** So many problems are worth being told at once. */
const maxProblems = 5;

function problemsOf({ issues }: z.ZodError): string {
  const texts = issues.slice(0, maxProblems).map(({ path, message }) => {
    const place = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
    return `${place === '' ? 'the body' : place.replace(/^\./, '')}: ${message.slice(0, 300)}`;
  });
  return texts.join('; ') + (issues.length > maxProblems ? `; and ${issues.length - maxProblems} more` : '');
}

const wrong = (status: 400 | 415, message: string): CheckRequest => ({ kind: 'wrong', status, message });
