import type { People } from '../ports/people.ts';
import { GraphConnection, type GraphServer } from './graph-connection.ts';
import { graphPeople, type GraphPeopleOptions } from './graph-people.ts';

export interface GraphDirectory {
  readonly people: People;
  /** Throws `DirectoryError` when Graph cannot be asked. Asks at most twice a minute: questions are counted there. */
  ping(now: number): Promise<void>;
  close(): void;
}

const pingMs = 30_000;

/** Microsoft Entra ID as a directory of people, by Microsoft Graph; connects at the first question. */
export function graphDirectory(options: GraphServer & GraphPeopleOptions): GraphDirectory {
  const connection = new GraphConnection(options);
  let last: { readonly at: number; readonly outcome: Promise<void> } | undefined;
  return {
    people: graphPeople(connection, options),
    ping(now) {
      if (last === undefined || now - last.at >= pingMs) {
        const outcome = connection.get('/v1.0/users?$select=id&$top=1', now).then(() => {});
        outcome.catch(() => {}); // whoever waits sees it
        last = { at: now, outcome };
      }
      return last.outcome;
    },
    close: () => connection.close(),
  };
}
