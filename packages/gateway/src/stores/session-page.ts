import type { SessionPage, SessionQuery, SessionSummary } from '../ports/session-store.ts';

const mostPerPage = 1_000;

/** How many sessions a page of this query has at most. */
export const pageLimit = ({ limit = mostPerPage }: SessionQuery): number => Math.max(1, Math.min(limit, mostPerPage));

/** Where a page begins: behind this session. On the first page, a place before all of them. */
export function pageAfter({ after }: SessionQuery): { readonly since: number; readonly id: string } {
  const [, since, id = ''] = /^(\d{1,15}) (.*)$/s.exec(after ?? '') ?? [];
  return since === undefined ? { since: 999_999_999_999_999, id: '' } : { since: Number(since), id };
}

/** A page, and where the next one begins. `found` has one session more than the page when there is another page. */
export function pageOf(found: readonly SessionSummary[], limit: number): SessionPage {
  const sessions = found.slice(0, limit);
  const last = sessions.at(-1);
  return { sessions, next: found.length > limit && last !== undefined ? `${last.since} ${last.id}` : undefined };
}
