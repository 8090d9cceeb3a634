import { canonicalName } from '../auth/canonical-name.ts';

/** Every name by which a person's sessions are found, each in its one spelling. */
export function personNames(session: {
  readonly subject: string;
  readonly account: string;
  readonly upn?: string | undefined;
}): readonly string[] {
  const { subject, account, upn } = session;
  const bare = account.replace(/^.*\\/s, '').replace(/@.*$/s, '');
  return [...new Set([subject, account, ...(upn === undefined ? [] : [upn]), bare].map(canonicalName))];
}
