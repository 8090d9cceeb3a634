/**
 * How far our reader gets with some bytes, as a server or client on top of it would take them.
 *
 * @module
 */
import { MessageReader, type ReaderEvents } from '../src/message-reader.ts';
import type { RequestLine, StatusLine } from '../src/head.ts';
import type { Verdict } from './llhttp-cases.ts';

export interface Question {
  readonly kind: 'request' | 'response';
  readonly bytes: Buffer;
  /** Of the request that is answered; default GET. */
  readonly method?: string;
  /** The input ends behind the bytes. */
  readonly finishes?: boolean;
}

/** What becomes of the bytes, and where the message begins that was being read at the end. */
export function verdictOf({
  kind,
  bytes,
  method = 'GET',
  finishes = false,
}: Question): Verdict & { readonly at: number } {
  let verdict: Verdict = { complete: 0, outcome: 'open', reason: '' };
  let last = false;
  let upgrades = false;
  let at = 0;
  let position = 0;
  const stop = (outcome: Verdict['outcome'], reason = ''): void => {
    verdict = { ...verdict, outcome, reason };
  };
  const completed = (): void => {
    verdict = { ...verdict, complete: verdict.complete + 1 };
    at = position;
    reader.expectBodyOf(method);
  };
  const events: ReaderEvents<RequestLine | StatusLine> = {
    head: (head) => {
      last = !head.keepAlive;
      if ('status' in head) {
        if (head.status >= 200) return;
        completed();
        if (head.status === 101) stop('another protocol');
      } else upgrades = head.hasUpgrade || head.method === 'CONNECT';
    },
    data: () => undefined,
    trailers: () => undefined,
    end: () => {
      completed();
      if (upgrades) stop('another protocol');
      else if (last && verdict.outcome === 'open' && position < bytes.length) stop('closed');
    },
    fault: ({ reason }) => stop('refused', reason),
  };
  const limits = { headBytes: 65_536, headerCount: 100 };
  const reader =
    kind === 'request'
      ? new MessageReader<RequestLine>('request', limits, events)
      : new MessageReader<StatusLine>('response', limits, events);
  reader.expectBodyOf(method);
  for (const byte of bytes) {
    if (verdict.outcome !== 'open') break;
    position++;
    reader.push(Buffer.of(byte));
  }
  if (finishes && verdict.outcome === 'open') reader.end();
  return { ...verdict, at };
}

/** A verdict in words. */
export function inWords({ complete, outcome, reason }: Verdict): string {
  const read = complete === 0 ? '' : `${complete} read`;
  if (outcome === 'open') return read === '' ? 'waits for more' : read;
  return [read, outcome === 'refused' ? `refused: ${reason}` : outcome].filter((part) => part !== '').join(', then ');
}
