/**
 * API keys as the stores keep them: what never changes as one text, the two times that
 * do beside it.
 *
 * @module
 */
import { type ApiKey, type ApiKeyRight, apiKeyRights } from '../ports/api-keys.ts';

/** What does not change of a key, as JSON. "All" is written as `null`, so that nothing that got lost can stand for it. */
export function apiKeyRecord(key: ApiKey): string {
  const { hash, scope, name, owner, groups, rights, createdAt, expiresAt } = key;
  return JSON.stringify({
    hash: Buffer.from(hash).toString('base64'),
    name,
    owner,
    apps: scope.apps ?? null,
    paths: scope.paths ?? null,
    methods: scope.methods ?? null,
    groups,
    rights,
    createdAt,
    expiresAt: expiresAt ?? null,
  });
}

/** The inverse of `apiKeyRecord`. Throws for anything else: what cannot be read lets nobody in. */
export function readApiKeyRecord(
  id: string,
  record: string,
  lastUsedAt: number | undefined,
  revokedAt: number | undefined,
): ApiKey {
  const parsed: unknown = JSON.parse(record);
  const entries = new Map<string, unknown>(typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : []);
  function value<T>(name: string, is: (found: unknown) => found is T): T {
    const found = entries.get(name);
    if (!is(found)) throw new TypeError(`Cannot read API key ${id}: its ${name} is missing or wrong`);
    return found;
  }
  return {
    id,
    hash: Buffer.from(value('hash', isText), 'base64'),
    name: value('name', isText),
    owner: value('owner', isText),
    scope: {
      apps: value('apps', orNull(isTexts)) ?? undefined,
      paths: value('paths', orNull(isTexts)) ?? undefined,
      methods: value('methods', orNull(isTexts)) ?? undefined,
    },
    groups: value('groups', isTexts),
    // Keys of older versions have none.
    rights: entries.has('rights') ? value('rights', isRights) : [],
    createdAt: value('createdAt', isNumber),
    expiresAt: value('expiresAt', orNull(isNumber)) ?? undefined,
    lastUsedAt,
    revokedAt,
  };
}

const isText = (found: unknown): found is string => typeof found === 'string';
const isNumber = (found: unknown): found is number => typeof found === 'number';
const isTexts = (found: unknown): found is readonly string[] => Array.isArray(found) && found.every(isText);
const isRights = (found: unknown): found is readonly ApiKeyRight[] =>
  isTexts(found) && found.every((text) => apiKeyRights.some((right) => right === text));
const orNull =
  <T>(is: (found: unknown) => found is T) =>
  (found: unknown): found is T | null =>
    found === null || is(found);
