/** Bytes of a value that are kept; one that is longer is passed over. */
const maxValue = 16 * 1024;

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openObject, closeObject, openArray, closeArray] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Walks over a JSON text (RFC 8259) that comes in pieces, keeping nothing of it but one member of the outermost object. It does not
 * check the text: of what is not JSON it finds something or nothing.
 */
export class TopLevel {
  readonly #wanted: Uint8Array;
  #depth = 0;
  #deepest = 0;
  #members = 0;
  #values = 0;
  #nameBytes = 0;
  #longestName = 0;
  #isObject = false;
  #ended = false;
  #inString = false;
  #escaped = false;
  #keyNext = false;
  /** Bytes of the key in hand that are those of the wanted one; -1 when one was another. `undefined` outside a key. */
  #matched: number | undefined;
  #valueNext = false;
  #captured: number[] | undefined;
  #value: string | undefined;

  /** `wanted` is found in its plain spelling only, without escapes. */
  constructor(wanted: string) {
    this.#wanted = Buffer.from(wanted);
  }

  /** The text of the wanted member's value: the last one, as `JSON.parse` has it. */
  get value(): string | undefined {
    return this.#value;
  }

  /** Members of the outermost object, each counted as often as it occurs. */
  get members(): number {
    return this.#members;
  }

  /** About how many values there are, at any depth: not fewer than half of them. */
  get values(): number {
    return this.#values;
  }

  /** Bytes of the longest name in the outermost object, as it is written. */
  get longestName(): number {
    return this.#longestName;
  }

  /** How deep arrays and objects lie in each other. */
  get deepest(): number {
    return this.#deepest;
  }

  /** The next piece. */
  push(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length && !this.#ended; i++) {
      // Most of a text is inside strings that nobody wants.
      if (this.#inString && !this.#escaped && this.#matched === undefined && this.#captured === undefined)
        while (i < bytes.length - 1 && bytes[i] !== quote && bytes[i] !== backslash) i++;
      const byte = bytes[i] ?? 0;
      if (this.#captured !== undefined) this.#capture(this.#captured, byte);
      if (this.#inString) this.#inside(byte);
      else this.#outside(byte);
    }
  }

  #inside(byte: number): void {
    if (byte === quote && !this.#escaped) {
      this.#inString = false;
      if (this.#matched !== undefined) this.#valueNext = this.#matched === this.#wanted.length;
      this.#matched = undefined;
      return;
    }
    this.#escaped = byte === backslash && !this.#escaped;
    if (this.#matched === undefined) return;
    this.#longestName = Math.max(this.#longestName, ++this.#nameBytes);
    this.#matched = byte === this.#wanted[this.#matched] ? this.#matched + 1 : -1;
  }

  #outside(byte: number): void {
    if (byte === comma || byte === openObject || byte === openArray) this.#values++;
    if (byte === quote) {
      this.#inString = true;
      if (this.#keyNext) {
        this.#members++;
        this.#matched = 0;
        this.#nameBytes = 0;
        this.#keyNext = false;
      }
    } else if (byte === openObject || byte === openArray) {
      this.#depth++;
      this.#deepest = Math.max(this.#deepest, this.#depth);
      if (this.#depth === 1) this.#keyNext = this.#isObject = byte === openObject;
    } else if (byte === closeObject || byte === closeArray) {
      this.#depth--;
      if (this.#depth > 0) return;
      this.#endValue();
      this.#ended = true;
    } else if (this.#depth === 1 && byte === comma) {
      this.#endValue();
      this.#keyNext = this.#isObject;
    } else if (this.#depth === 1 && byte === colon && this.#valueNext) {
      this.#valueNext = false;
      this.#captured = [];
    }
  }

  #capture(captured: number[], byte: number): void {
    captured.push(byte);
    if (captured.length > maxValue) this.#captured = undefined;
  }

  #endValue(): void {
    if (this.#captured === undefined) return;
    this.#value = Buffer.from(this.#captured.slice(0, -1)).toString(); // without the byte that ended it
    this.#captured = undefined;
  }
}
