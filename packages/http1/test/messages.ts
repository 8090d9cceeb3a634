import type { Fields } from '../src/fields.ts';
import type { Entry } from './transcript.ts';

/** A message that some reader has read to its end. */
export interface Message {
  /** `METHOD target` or the status with its reason. */
  readonly line: string;
  readonly minor: number;
  readonly fields: Fields;
  readonly data: string;
  readonly trailers: Fields;
}

/** The messages of a reading that came to their end, up to the first behind which the connection is closed. */
export function untilClose(entries: readonly Entry[]): Message[] {
  const messages: Message[] = [];
  let next: { -readonly [K in keyof Message]: Message[K] } | undefined;
  let last = false;
  for (const entry of entries) {
    if ('head' in entry) {
      const { head } = entry;
      if ('status' in head && head.status < 200) continue;
      const line = 'status' in head ? `${head.status} ${head.reason}` : `${head.method} ${head.target}`;
      next = { line, minor: head.minor, fields: head.fields, data: '', trailers: [] };
      last = !head.keepAlive;
    } else if (next === undefined) break;
    else if ('data' in entry) next.data += entry.data;
    else if ('trailers' in entry) next.trailers = entry.trailers;
    else if ('end' in entry) {
      messages.push(next);
      next = undefined;
      if (last) break;
    }
  }
  return messages;
}
