import { canonicalName } from '../auth/canonical-name.ts';
import { revocation } from '../auth/revocation-list.ts';
import type { Revocation, RevocationKind } from '../ports/revocations.ts';
import type { SessionStore, SessionSummary } from '../ports/session-store.ts';
import type { SharedStores } from '../stores/shared-state.ts';

export type RevokeTarget =
  | { readonly kind: 'session'; readonly id: string }
  | { readonly kind: 'person'; readonly name: string }
  | { readonly kind: 'everybody' };

export interface Person {
  readonly account: string;
  readonly subject: string;
}

export type RevokeOutcome =
  | { readonly kind: 'done'; readonly ended: number; readonly people: readonly Person[] }
  /** The name alone, without a domain, is that of several people. Nothing was revoked. */
  | { readonly kind: 'ambiguous'; readonly accounts: readonly string[] };

const reason = 'administrator';

/** Ends what is named. The revocation is written first: a session that is only removed could be noted again by the gateway. */
export async function revoke(
  { sessions, revocations }: Pick<SharedStores, 'sessions' | 'revocations'>,
  target: RevokeTarget,
  now: number,
): Promise<RevokeOutcome> {
  const entry = (kind: RevocationKind, key: string): Revocation => revocation({ kind, key, reason }, now);
  if (target.kind === 'session') {
    const one = await sessions.get(target.id);
    await revocations.add([entry('session', target.id)]);
    await sessions.remove([target.id]);
    return { kind: 'done', ended: one === undefined ? 0 : 1, people: one === undefined ? [] : [one] };
  }
  if (target.kind === 'everybody') {
    await revocations.add([entry('everybody', '')]);
    return { kind: 'done', ended: await removeAll(sessions), people: [] };
  }

  const listed = await allSessions(sessions, target.name);
  const exact = listed.filter((one) => namesOf(one).includes(canonicalName(target.name)));
  const found = exact.length > 0 ? exact : listed;
  const people = [...new Map(found.map((one) => [canonicalName(one.account), one])).values()];
  if (exact.length === 0 && people.length > 1)
    return { kind: 'ambiguous', accounts: people.map(({ account }) => account) };
  // Under every name that the person has had: another sign-in method may know another one of them.
  const names = new Set(found.length === 0 ? [canonicalName(target.name)] : found.flatMap(namesOf));
  await revocations.add([...names].map((name) => entry('person', name)));
  const ids = new Set<string>();
  for (const name of names)
    for (const one of await allSessions(sessions, name)) if (namesOf(one).includes(name)) ids.add(one.id);
  return { kind: 'done', ended: await sessions.remove([...ids]), people };
}

const namesOf = ({ subject, account, upn }: SessionSummary): readonly string[] =>
  [subject, account, ...(upn === undefined ? [] : [upn])].map(canonicalName);

/** All of them, page by page; those that begin meanwhile are caught by the revocation or came after it. */
async function removeAll(sessions: SessionStore): Promise<number> {
  const ids = (await allSessions(sessions)).map(({ id }) => id);
  let removed = 0;
  for (let i = 0; i < ids.length; i += 500) removed += await sessions.remove(ids.slice(i, i + 500));
  return removed;
}

/** Every page of a list; without `person`, everybody's. */
export async function allSessions(store: SessionStore, person?: string): Promise<readonly SessionSummary[]> {
  const found: SessionSummary[] = [];
  let after: string | undefined;
  do {
    const page = await store.list({ person, after });
    found.push(...page.sessions);
    after = page.next;
  } while (after !== undefined);
  return found;
}
