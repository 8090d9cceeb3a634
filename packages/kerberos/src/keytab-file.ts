/**
 * The keytab file format of MIT Kerberos: version 2 (bytes 05 02, big-endian), which everybody writes, and version 1
 * (05 01, in the byte order of the machine that wrote it).
 *
 * A file is read completely or not at all. Its entries are bounded by their own lengths, and those by the file.
 *
 * @module
 */
import { etypeName, keyBytes } from './etypes.ts';
import { principalText } from './messages/principal-name.ts';

/** One key of one principal. It holds a secret: do not log it. */
export interface KeytabEntry {
  /** `HTTP/app.corp.example`; a slash, at sign or backslash inside a component is escaped with a backslash. */
  readonly principal: string;
  readonly realm: string;
  readonly nameType: number;
  /** When the key was written, in seconds since the epoch. */
  readonly timestamp: number;
  readonly kvno: number;
  readonly etype: number;
  readonly key: Uint8Array;
}

export class KeytabError extends Error {
  override readonly name = 'KeytabError';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`Cannot read keytab: ${message}`);
    this.offset = offset;
  }
}

const HEADER_BYTES = 2;
const mostBytes = 16 * 1024 * 1024;
const mostComponents = 16;
const longestString = 1024;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Every entry of the file, in its order, those of unknown encryption types included. Throws `KeytabError`. */
export function readKeytabFile(bytes: Uint8Array): readonly KeytabEntry[] {
  if (bytes.length > mostBytes) throw new KeytabError('the file is larger than 16 MiB', 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begin = bytes.length < HEADER_BYTES ? undefined : view.getUint16(0);
  if (begin !== 0x0501 && begin !== 0x0502)
    throw new KeytabError('the file does not begin with 05 02 and so is no keytab', 0);
  const version = begin & 0xff;
  const littleEndian = version === 1 && looksLittleEndian(view);

  const entries: KeytabEntry[] = [];
  let at = HEADER_BYTES;
  while (at < bytes.length) {
    const name = `entry ${entries.length + 1} at byte ${at}`;
    if (bytes.length - at < 4) throw new KeytabError(`${name} is longer than the file`, at);
    const size = view.getInt32(at, littleEndian);
    if (size === 0) {
      // Writers may end the list with a zero length; whatever came after it would never be read by anybody.
      if (bytes.subarray(at).some((byte) => byte !== 0))
        throw new KeytabError(`${name} follows the end of the list`, at);
      break;
    }
    const start = at + 4;
    const end = start + Math.abs(size);
    if (end > bytes.length) throw new KeytabError(`${name} is longer than the file`, at);
    // A negative length is the room that a deleted entry has left.
    if (size > 0) {
      const reader = new EntryReader(bytes.subarray(start, end), littleEndian, start, name);
      entries.push(readEntry(reader, version));
    }
    at = end;
  }
  return entries;
}

/** A version 2 file of these entries, as `ktutil` writes it. */
export function encodeKeytab(entries: readonly KeytabEntry[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(5, 2), ...entries.map(encodeEntry)]);
}

function readEntry(from: EntryReader, version: number): KeytabEntry {
  // Version 1 counts the realm as a component and has no name type.
  const components = from.uint16('component count') - (version === 1 ? 1 : 0);
  if (components < 1 || components > mostComponents) throw from.error(`has ${components} name components`);
  const realm = from.text('realm');
  const name = Array.from({ length: components }, () => from.text('name'));
  const nameType = version === 1 ? 0 : from.int32('name type');
  const timestamp = from.uint32('timestamp');
  const kvno8 = from.uint8('key version');
  const etype = from.uint16('encryption type');
  const key = Uint8Array.from(from.counted('key'));
  const expected = keyBytes(etype);
  if (expected !== undefined && key.length !== expected)
    throw from.error(`has a key of ${key.length} bytes where ${etypeName(etype)} has ${expected}`);

  // Writers newer than the format put the whole version number here. Room left over from a longer entry that was
  // deleted reads as zero, and then the single byte is all there is.
  const kvno32 = from.left >= 4 ? from.uint32('key version') : 0;
  if (kvno32 !== 0 && (kvno32 & 0xff) !== kvno8) throw from.error('has two key versions that contradict each other');
  return {
    principal: principalText({ nameType, components: name }),
    realm,
    nameType,
    timestamp,
    kvno: kvno32 === 0 ? kvno8 : kvno32,
    etype,
    key,
  };
}

/** A cursor over one entry. It cannot read beyond it, and its errors say where the entry stands in the file. */
class EntryReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #fileOffset: number;
  readonly #name: string;
  #at = 0;

  constructor(bytes: Uint8Array, littleEndian: boolean, fileOffset: number, name: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#littleEndian = littleEndian;
    this.#fileOffset = fileOffset;
    this.#name = name;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  uint8(what: string): number {
    return this.#view.getUint8(this.#advance(1, what));
  }

  uint16(what: string): number {
    return this.#view.getUint16(this.#advance(2, what), this.#littleEndian);
  }

  uint32(what: string): number {
    return this.#view.getUint32(this.#advance(4, what), this.#littleEndian);
  }

  int32(what: string): number {
    return this.#view.getInt32(this.#advance(4, what), this.#littleEndian);
  }

  counted(what: string): Uint8Array {
    const length = this.uint16(what);
    const start = this.#advance(length, what);
    return this.#bytes.subarray(start, start + length);
  }

  text(what: string): string {
    const bytes = this.counted(what);
    if (bytes.length > longestString) throw this.error(`has a ${what} of more than ${longestString} bytes`);
    // A control character has no place in a name, and could carry a line break into a log.
    if (bytes.some((byte) => byte < 0x20 || byte === 0x7f)) throw this.error(`has a control character in its ${what}`);
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.error(`has a ${what} that is not UTF-8`);
    }
  }

  error(problem: string): KeytabError {
    return new KeytabError(`${this.#name} ${problem}`, this.#fileOffset + this.#at);
  }

  #advance(size: number, what: string): number {
    if (size > this.left) throw this.error(`ends within its ${what}`);
    const start = this.#at;
    this.#at += size;
    return start;
  }
}

/** Version 1 does not say its byte order. Read in the wrong one, the first length is almost surely beyond the file. */
function looksLittleEndian(view: DataView): boolean {
  return view.byteLength >= 6 && Math.abs(view.getInt32(HEADER_BYTES, true)) <= view.byteLength - 6;
}

function encodeEntry({ principal, realm, nameType, timestamp, kvno, etype, key }: KeytabEntry): Uint8Array {
  const components = splitPrincipal(principal);
  const body = Buffer.concat([
    uint(2, components.length),
    ...[realm, ...components].map((text) => counted(Buffer.from(text, 'utf8'))),
    uint(4, nameType >>> 0),
    uint(4, timestamp),
    uint(1, kvno & 0xff),
    uint(2, etype),
    counted(key),
    uint(4, kvno),
  ]);
  return Buffer.concat([uint(4, body.length), body]);
}

/** The inverse of `principalText`. */
function splitPrincipal(principal: string): readonly string[] {
  const components = [''];
  for (const [piece, escaped] of principal.matchAll(/\\(.)|[^]/gsu)) {
    if (piece === '/') components.push('');
    else components[components.length - 1] += escaped ?? piece;
  }
  return components;
}

function counted(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([uint(2, bytes.length), bytes]);
}

/** Throws `RangeError` when the value does not fit. */
function uint(size: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}
