import { apiKeyHash, newApiKey } from '../auth/api-key-text.ts';
import type { Config } from '../config/schema.ts';
import { parseLine } from '../config/values/account.ts';
import { parseDuration } from '../config/values/duration.ts';
import { parseMethod } from '../config/values/name.ts';
import { parsePattern } from '../config/values/path.ts';
import { parseGroup } from '../config/values/sid.ts';
import { ok, type Parsed, wrong } from '../config/parsed.ts';
import { type ApiKey, type ApiKeyRight, apiKeyRights } from '../ports/api-keys.ts';
import type { Arguments } from './command.ts';

export type NewKey =
  | { readonly kind: 'ok'; readonly key: ApiKey; readonly text: string }
  /** What is wrong with the options, in a sentence. */
  | { readonly kind: 'wrong'; readonly message: string };

const day = 86_400_000;
const usualLife = 365 * day;

/** A new key as the options describe it. `owner` is who has it made, when nobody else is named. */
export function newKey({ options }: Arguments, { apps }: Pick<Config, 'apps'>, owner: string, now: number): NewKey {
  const faults: string[] = [];
  const text = (name: string): string | undefined => {
    const value = options[name];
    return typeof value === 'string' ? value : undefined;
  };
  const list = <T>(name: string, parse: (item: string) => Parsed<T>): readonly T[] | undefined => {
    const items = text(name)?.split(',');
    return items?.flatMap((item) => {
      const parsed = parse(item.trim());
      if (parsed.kind === 'ok') return [parsed.value];
      faults.push(`--${name}: ${parsed.message}. ${parsed.fix}`);
      return [];
    });
  };
  const name = text('name') ?? '';
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/.test(name))
    faults.push('--name: say what the key is for, in letters, digits, dots, - and _, 64 at most');
  const answerable = parseLine(text('owner') ?? owner);
  if (answerable.kind === 'wrong') faults.push(`--owner: ${answerable.message}`);
  const known = new Set(apps.map((app) => app.name));
  for (const app of list('app', parseLine) ?? [])
    if (!known.has(app)) faults.push(`--app: there is no app "${app}"; there are ${[...known].join(', ')}`);
  const scope = {
    apps: list('app', parseLine),
    paths: list('path', parsePattern),
    methods: list('method', parseMethod),
  };
  const groups = list('group', parseGroup) ?? [];
  const rights = list('may', parseRight) ?? [];
  const expiresAt = endOf(text('expires'), now);
  if (expiresAt === 'wrong')
    faults.push(
      '--expires: write a length of time such as 90d, a day that is still to come such as 2027-01-31, or never',
    );
  if (faults.length > 0 || expiresAt === 'wrong' || answerable.kind === 'wrong')
    return { kind: 'wrong', message: [...new Set(faults)].join('\n') };

  const made = newApiKey();
  const key: ApiKey = {
    id: made.id,
    hash: apiKeyHash(made.text),
    name,
    owner: answerable.value,
    scope,
    groups,
    rights: [...new Set(rights)],
    createdAt: now,
    expiresAt,
    lastUsedAt: undefined,
    revokedAt: undefined,
  };
  return { kind: 'ok', key, text: made.text };
}

function parseRight(text: string): Parsed<ApiKeyRight> {
  const right = apiKeyRights.find((one) => one === text);
  return right === undefined
    ? wrong(`there is no right "${text}"`, `There are: ${apiKeyRights.join(', ')}.`)
    : ok(right);
}

/** The end of a key: after a year, when nothing is said. A day is meant with its last second, in UTC. */
function endOf(text: string | undefined, now: number): number | undefined | 'wrong' {
  if (text === undefined) return now + usualLife;
  if (text === 'never') return undefined;
  const length = parseDuration(text, { min: '1m', max: '3650d' });
  if (length.kind === 'ok') return now + length.value;
  const end = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) + day : Number.NaN;
  // `Date.parse` takes the 31st of February for the 3rd of March.
  const sameDay = !Number.isNaN(end) && new Date(end - day).toISOString().startsWith(text);
  return sameDay && end > now ? end : 'wrong';
}
