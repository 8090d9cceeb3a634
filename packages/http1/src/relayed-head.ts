import type { Fields } from './fields.ts';
import type { StatusLine } from './head.ts';
import { onePiece } from './one-piece.ts';

/**
 * The text that the last answer's head of one upstream connection went on as. An upstream repeats its heads, but for the
 * date of each second; one that is read as the same object goes on as the same text.
 */
export class RelayedHead {
  #head: StatusLine | undefined;
  #filter: FieldFilter;
  #text = '';

  /** The text that this head has become with this filter; `undefined` when the last one was another. */
  recall(head: StatusLine, filter: FieldFilter): string | undefined {
    return this.#head === head && this.#filter === filter ? this.#text : undefined;
  }

  keep(head: StatusLine, filter: FieldFilter, text: string): void {
    this.#head = head;
    this.#filter = filter;
    this.#text = onePiece(text);
  }
}

/** What of the upstream's fields goes on to the client. */
type FieldFilter = ((fields: Fields, status: number) => Fields) | undefined;
