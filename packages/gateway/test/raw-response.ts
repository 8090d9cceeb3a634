/**
 * HTTP responses as they are on the wire, for tests that compare them byte by byte. It reads for itself, with nothing of the
 * engine.
 *
 * @module
 */

export interface RawResponse {
  /** All in front of it that was answered for now: `103`, with its fields. */
  readonly interim: readonly RawHead[];
  readonly head: RawHead;
  readonly framing: 'none' | 'length' | 'chunked' | 'until-close';
  /** With chunks each by itself, else one piece. */
  readonly pieces: readonly Buffer[];
  readonly body: Buffer;
  /** As they stand, line by line. */
  readonly trailers: readonly string[];
  /** It has come to its end. */
  readonly complete: boolean;
  /** What came behind it. */
  readonly rest: number;
}

export interface RawHead {
  readonly statusLine: string;
  /** Each as it stands: `Name: value`. */
  readonly lines: readonly string[];
}

/** Reads the first response to such a request. Throws for anything that is not strictly as it should be. */
export function readResponse(bytes: Buffer, method: string, closed: boolean): RawResponse | undefined {
  const interim: RawHead[] = [];
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [statusLine = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    rest = rest.subarray(end + 4);
    if (!/^HTTP\/1\.1 [1-5]\d\d /.test(statusLine)) throw new Error(`status line: ${JSON.stringify(statusLine)}`);
    for (const line of lines) if (!/^[\w!#$%&'*+.^`|~-]+: /.test(`${line} `)) throw new Error(`field: ${line}`);
    const head = { statusLine, lines };
    if (!/^HTTP\/1\.1 1\d\d/.test(statusLine)) return { interim, head, ...readContent(rest, head, method, closed) };
    interim.push(head);
  }
}

function readContent(rest: Buffer, { statusLine, lines }: RawHead, method: string, closed: boolean) {
  const framing = lines.filter((line) => /^(?:content-length|transfer-encoding):/i.test(line));
  const none = { pieces: [], body: Buffer.alloc(0), trailers: [] as readonly string[], complete: true };
  if (method === 'HEAD' || /^HTTP\/1\.1 (?:204|304)/.test(statusLine))
    return { ...none, framing: 'none' as const, rest: rest.length };
  const [only, ...more] = framing;
  if (more.length > 0) throw new Error(`framing: ${framing.join(' and ')}`);
  if (only === undefined) return { ...ofPieces([rest]), framing: 'until-close' as const, complete: closed, rest: 0 };
  if (/^transfer-encoding: chunked$/i.test(only)) return readChunks(rest);
  const length = Number(/^content-length: (\d+)$/i.exec(only)?.[1]);
  if (Number.isNaN(length)) throw new Error(`framing: ${only}`);
  const [body, complete] = [rest.subarray(0, length), rest.length >= length];
  return { ...ofPieces([body]), framing: 'length' as const, complete, rest: rest.length - body.length };
}

function readChunks(bytes: Buffer) {
  const pieces: Buffer[] = [];
  let rest = bytes;
  for (;;) {
    const part = { ...ofPieces(pieces), framing: 'chunked' as const, complete: false, rest: 0 };
    const line = rest.indexOf('\r\n');
    if (line < 0) return part;
    const size = /^([0-9a-f]+)(?:;[ -~]*)?$/i.exec(rest.subarray(0, line).toString('latin1'))?.[1];
    if (size === undefined) throw new Error(`chunk: ${rest.subarray(0, line).toString('latin1')}`);
    const length = Number.parseInt(size, 16);
    rest = rest.subarray(line + 2);
    if (length === 0) {
      const end = rest.subarray(0, 2).equals(crlf) ? 0 : rest.indexOf('\r\n\r\n');
      if (end < 0 || rest.length < 2) return part;
      const trailers = end === 0 ? [] : rest.subarray(0, end).toString('latin1').split('\r\n');
      return { ...part, trailers, complete: true, rest: rest.length - end - (end === 0 ? 2 : 4) };
    }
    if (rest.length < length + 2) return part;
    if (!rest.subarray(length, length + 2).equals(crlf)) throw new Error('a chunk does not end where it says');
    pieces.push(rest.subarray(0, length));
    rest = rest.subarray(length + 2);
  }
}

const crlf = Buffer.from('\r\n');
const ofPieces = (pieces: readonly Buffer[]) => ({
  pieces: [...pieces],
  body: Buffer.concat(pieces),
  trailers: [] as readonly string[],
});
