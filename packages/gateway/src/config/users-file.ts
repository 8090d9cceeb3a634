import { z } from 'zod';
import { parsePasswordHash } from '../auth/password-hash.ts';
import { canonicalName } from '../auth/canonical-name.ts';
import type { PasswordUser } from '../auth/password-users.ts';
import type { JsonSchema } from './json-schema.ts';
import { explainIssue, valueAt } from './explain-issue.ts';
import { ok, wrong } from './parsed.ts';
import { type Finding, inReadingOrder, type Problem } from './problem.ts';
import { group, leaf } from './values/leaf.ts';
import { readYaml } from './yaml-document.ts';

const text = (example: string) =>
  leaf('text', example, (value) =>
    value.trim() === value && value !== '' && !/[\u0000-\u001f\u007f]/.test(value)
      ? ok(value)
      : wrong('it is empty, or has spaces around it or control characters', 'Correct it, or remove the key.'),
  );

const passwordHash = () =>
  leaf('argon2id hash', '$argon2id$v=19$m=65536,t=3,p=1$…', (value) => {
    const parsed = parsePasswordHash(value);
    return parsed.kind === 'ok'
      ? ok(value)
      : wrong(`this is not a password hash: ${parsed.reason}`, 'Make one with: cardea hash-password');
  });

const user = z.strictObject({
  name: text('alice').describe('What the person types. Case and form of the letters make no difference.'),
  password_hash: passwordHash().describe('What `cardea hash-password` prints.'),
  account: text('CORP\\alice').optional().describe('What apps get as the user. Default: the name.'),
  display_name: text('Alice Archer').optional().describe('Name for people.'),
  email: text('alice@corp.example').optional().describe('E-mail address.'),
  upn: text('alice@corp.example').optional().describe('User principal name.'),
  groups: z.array(group()).prefault([]).describe('Names of groups.'),
});

/** The file of people who sign in with a password. */
const usersSchema = z.strictObject({
  users: z.array(user).describe('The people, in any order.'),
});

export const usersInputSchema = (): JsonSchema => z.toJSONSchema(usersSchema, { io: 'input' }) as JsonSchema;

/** Reads a users file. `users` is empty when there is any problem. */
export function readUsers(
  source: string,
  file: string,
): { readonly users: readonly PasswordUser[]; readonly problems: readonly Problem[] } {
  const document = readYaml(source, file);
  if (document.value === undefined) return { users: [], problems: document.problems };
  const result = usersSchema.safeParse(document.value);
  const reading = { schema: usersInputSchema(), data: document.value };
  const findings = [
    ...(result.error?.issues ?? []).flatMap((issue) => explainIssue(issue, reading)),
    ...repeatedNames(document.value),
  ];
  const problems = inReadingOrder([...document.problems, ...findings.map((finding) => document.locate(finding))]);
  if (!result.success || problems.length > 0) return { users: [], problems };
  const users = result.data.users.map(({ password_hash: hash, display_name: displayName, ...rest }) => ({
    ...rest,
    passwordHash: hash,
    displayName,
  }));
  return { users, problems: [] };
}

/** Names that are one to the sign-in. Looked for in the data as written, so that other faults do not hide them. */
function repeatedNames(data: unknown): Finding[] {
  const people = valueAt(data, ['users']);
  const seen = new Set<string>();
  return (Array.isArray(people) ? people : []).flatMap((person: unknown, i): Finding[] => {
    const name = valueAt(person, ['name']);
    if (typeof name !== 'string') return [];
    const canonical = canonicalName(name);
    const repeated = seen.has(canonical);
    seen.add(canonical);
    if (!repeated) return [];
    return [
      {
        severity: 'error',
        path: ['users', i, 'name'],
        message: `"${name}" is already in the list`,
        fix: 'Keep one entry for each person.',
      },
    ];
  });
}
