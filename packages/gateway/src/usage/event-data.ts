const [lineFeed, carriageReturn] = [0x0a, 0x0d];
const byteOrderMark = '\uFEFF';

export interface EventDataOptions {
  /** The data of an event, its lines joined. */
  readonly onData: (data: string) => void;
  /** An event was longer than the bound; it is passed over. */
  readonly onTooLong: () => void;
  /** Bytes of one event that are kept; default: 1 MiB. */
  readonly maxEvent?: number;
}

/**
 * Reads the data of an event stream's events (HTML Standard, 9.2.6), split at any byte. Names, ids and comments are passed over. What
 * follows the last blank line is an event here, though not to a browser: some backends forget the line.
 */
export class EventData {
  readonly #options: EventDataOptions;
  readonly #maxEvent: number;
  /** The line that is not over yet. */
  #line: Buffer[] = [];
  /** Its bytes, kept or not. */
  #lineBytes = 0;
  #afterReturn = false;
  #firstLine = true;
  #data: string[] = [];
  #kept = 0;
  #tooLong = false;

  constructor(options: EventDataOptions) {
    this.#options = options;
    this.#maxEvent = options.maxEvent ?? 1024 * 1024;
  }

  /** The next piece. It is not kept: the memory may be used again. */
  push(bytes: Uint8Array): void {
    let start = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte !== lineFeed && byte !== carriageReturn) {
        this.#afterReturn = false;
        continue;
      }
      if (byte === lineFeed && this.#afterReturn) {
        this.#afterReturn = false;
      } else {
        this.#keep(bytes.subarray(start, i));
        this.#endLine();
        this.#afterReturn = byte === carriageReturn;
      }
      start = i + 1;
    }
    this.#keep(bytes.subarray(start));
  }

  /** There is no more. */
  end(): void {
    if (this.#lineBytes > 0) this.#endLine();
    this.#endEvent();
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#lineBytes += part.length;
    this.#kept += part.length;
    if (this.#kept > this.#maxEvent) this.#giveUp();
    if (!this.#tooLong) this.#line.push(Buffer.from(part));
  }

  #giveUp(): void {
    if (!this.#tooLong) this.#options.onTooLong();
    this.#tooLong = true;
    this.#line = [];
    this.#data = [];
  }

  #endLine(): void {
    const bytes = this.#lineBytes;
    const text = this.#line.length === 1 ? this.#line[0]?.toString() : Buffer.concat(this.#line).toString();
    this.#line = [];
    this.#lineBytes = 0;
    if (bytes === 0) return this.#endEvent();
    if (this.#tooLong) return;
    const line = this.#firstLine && text?.startsWith(byteOrderMark) ? text.slice(1) : (text ?? '');
    this.#firstLine = false;
    if (line === 'data') this.#data.push('');
    else if (line.startsWith('data:')) this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
    else this.#kept -= bytes; // comments that keep a silent stream alive may come for hours
  }

  #endEvent(): void {
    const data = this.#data;
    this.#data = [];
    this.#kept = 0;
    this.#tooLong = false;
    if (data.length > 0) this.#options.onData(data.join('\n'));
  }
}
