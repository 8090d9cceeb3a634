import type { RevocationList } from '../auth/revocation-list.ts';
import type { Standings } from '../server/standing.ts';
import { type PersonCounter, Streams } from '../server/streams.ts';
import { AddressCounts, sharedCounts } from '../threads/address-counts.ts';
import type { Closers } from './closers.ts';

export interface StreamParts {
  readonly standings: Standings;
  readonly revocations: RevocationList;
  /** Default: this thread counts for itself. */
  readonly people: PersonCounter | undefined;
  readonly onOutdated: (subject: string, at: number) => Promise<void>;
  readonly now: () => number;
}

/** How often it is looked what is due. */
const tickMs = 250;

/** Watches the streams of one thread. It ends by `closers`. */
export function openStreams(
  { standings, revocations, people, onOutdated, now }: StreamParts,
  closers: Closers,
): Streams {
  const streams = new Streams({
    standings,
    revocations,
    people: people ?? new AddressCounts(sharedCounts(1), 0, Number.POSITIVE_INFINITY),
    onOutdated,
    now,
    random: Math.random,
  });
  const timer = setInterval(() => streams.tick(), tickMs);
  timer.unref();
  closers.add(() => {
    clearInterval(timer);
    streams.close();
  });
  return streams;
}
