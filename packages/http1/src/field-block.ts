import { type Fault, fault } from './faults.ts';
import {
  CONNECTION,
  CONTENT_LENGTH,
  COOKIE,
  EXPECT,
  HOST,
  isAlias,
  type KnownField,
  type KnownFields,
  knownField,
  TRANSFER_ENCODING,
  UPGRADE,
} from './known-fields.ts';
import { isBlank } from './grammar.ts';

/** Fields taken out of a head that has been found to be well-formed, and what they say about the message. */
export class FieldBlock {
  readonly fields: string[] = [];
  contentLength: string | undefined;
  transferEncoding: string | undefined;
  /** All `Connection` fields as one list. */
  connection: string | undefined;
  upgrade = false;
  expectation: string | undefined;
  /** Bits of the known fields that occur. */
  seen = 0;

  /**
   * Reads the field lines of `text` from the line break at `start` on. A request is held to more: fields that may
   * occur once occur once, are ASCII (`Cookie` excepted), and have no alias beside them.
   */
  read(text: string, start: number, maxFields: number, known: KnownFields, kind: BlockKind): Fault | undefined {
    const { fields } = this;
    const length = text.length;
    const maxLength = 2 * maxFields;
    for (let at = start; at < length; ) {
      const nameAt = at + 2;
      const colon = text.indexOf(':', nameAt);
      at = text.indexOf('\r', colon);
      if (at === -1) at = length;
      let from = colon + 1;
      let to = at;
      while (from < to && isBlank(text.charCodeAt(from))) from++;
      while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
      const name = text.slice(nameAt, colon);
      const value = text.slice(from, to);
      fields.push(name, value);
      if (fields.length > maxLength) return fault('too-many-fields', 431);
      const field = knownField(known, name);
      if (field === undefined) continue;
      // White space by RFC 9110, 5.6.3; but some readers, llhttp among them, do not find `chunked` beside a tab.
      if ((field.bit & FRAMING) !== 0 && text.slice(colon, at).includes('\t')) return fault('field-value-malformed');
      const found = this.#note(field, name, value, kind);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #note(field: KnownField, name: string, value: string, kind: BlockKind): Fault | undefined {
    const { bit } = field;
    if (isAlias(field, name)) return kind === 'response' ? undefined : fault('field-name-alias');
    if (kind === 'trailers') return fault('trailer-forbidden');
    if (field.single) {
      if ((this.seen & bit) !== 0) return fault('field-repeated');
      if (kind === 'request-beyond-ascii' && bit !== COOKIE && !ASCII.test(value))
        return fault('field-value-malformed');
    }
    this.seen |= bit;
    switch (bit) {
      case CONTENT_LENGTH:
        this.contentLength = value;
        break;
      case TRANSFER_ENCODING:
        this.transferEncoding = value;
        break;
      case CONNECTION:
        this.connection = this.connection === undefined ? value : `${this.connection},${value}`;
        break;
      case EXPECT:
        this.expectation = value;
        break;
      case UPGRADE:
        this.upgrade = true;
        break;
      case HOST:
        break;
    }
    return undefined;
  }
}

/** What the fields belong to; a request in which every byte is ASCII needs no second look at its values. */
export type BlockKind = 'request' | 'request-beyond-ascii' | 'response' | 'trailers';

const FRAMING = CONTENT_LENGTH | TRANSFER_ENCODING;

const ASCII = /^[\t\x20-\x7e]*$/;
