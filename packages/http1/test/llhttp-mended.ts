import type { LlhttpCase, Verdict } from './llhttp-cases.ts';
import { latin1 } from './transcript.ts';
import { verdictOf } from './verdict.ts';

/** A case as it is put to our reader. */
export interface Mended {
  readonly bytes: Buffer;
  readonly verdict: Verdict;
  /** Something had to be mended. */
  readonly added: boolean;
}

/**
 * Most cases have no `Host`, and some a fragment in their target, and would be refused for that alone, whatever they are
 * about: the one is put in, the other escaped, except where the target is what the case is about.
 */
export function mended({ file, kind, bytes, skipBody, finishes }: LlhttpCase): Mended {
  for (let input = bytes, added = false; ; added = true) {
    const verdict = verdictOf({ kind, bytes: input, method: skipBody ? 'HEAD' : 'GET', finishes });
    const lineEnd = input.indexOf('\r\n', verdict.at + 2) + 2;
    const fragment = input.subarray(0, lineEnd).indexOf('#', verdict.at);
    if (verdict.reason === 'host-missing') input = spliced(input, lineEnd, 'Host: a\r\n', 0);
    else if (verdict.reason === 'target-malformed' && fragment !== -1 && !file.endsWith('uri.md'))
      input = spliced(input, fragment, '%23', 1);
    else return { bytes: input, verdict, added };
  }
}

const spliced = (bytes: Buffer, at: number, text: string, removed: number): Buffer =>
  Buffer.concat([bytes.subarray(0, at), latin1(text), bytes.subarray(at + removed)]);
