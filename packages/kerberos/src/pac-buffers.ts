/**
 * The outer form of a PAC: a directory of typed buffers (PACTYPE and PAC_INFO_BUFFER, MS-PAC 2.3 and 2.4).
 *
 * @module
 */

/** Types of buffer that are used here (MS-PAC 2.4). */
export const PacType = {
  logonInfo: 1,
  serverChecksum: 6,
  kdcChecksum: 7,
  clientInfo: 10,
  upnDnsInfo: 12,
  ticketChecksum: 16,
  requestor: 18,
  fullChecksum: 19,
} as const;

/** The bytes are not a PAC, or a buffer that must be there is not; the message says which. */
export class PacError extends Error {
  override readonly name = 'PacError';
}

/** One buffer: a view into the PAC, and where in the PAC it is. */
export interface PacBuffer {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

const headerBytes = 8;
const entryBytes = 16;
/** Windows has 20 types so far. */
const maxBuffers = 64;

/** A second one of these could mean something else to another reader. Of all others only the first counts (MS-PAC 2.4). */
const onlyOnce: ReadonlySet<number> = new Set([
  PacType.logonInfo,
  PacType.serverChecksum,
  PacType.kdcChecksum,
  PacType.clientInfo,
  PacType.upnDnsInfo,
  PacType.requestor,
]);

/** Reads the directory and nothing else. Throws `PacError`. */
export function readPacBuffers(pac: Uint8Array): ReadonlyMap<number, PacBuffer> {
  if (pac.length < headerBytes) throw new PacError('the PAC is shorter than its header');
  const view = new DataView(pac.buffer, pac.byteOffset, pac.length);
  const count = view.getUint32(0, true);
  if (count > maxBuffers) throw new PacError('the PAC has more than 64 buffers');
  if (view.getUint32(4, true) !== 0) throw new PacError('the version of the PAC is not 0');
  const bodyStart = headerBytes + entryBytes * count;
  if (bodyStart > pac.length) throw new PacError('the PAC is shorter than its directory');

  const buffers = new Map<number, PacBuffer>();
  const ranges: { readonly start: number; readonly end: number }[] = [];
  for (let at = headerBytes; at < bodyStart; at += entryBytes) {
    const type = view.getUint32(at, true);
    const start = view.getUint32(at + 8, true);
    const end = start + view.getUint32(at + 4, true);
    if (view.getUint32(at + 12, true) !== 0 || end > pac.length) throw new PacError('a buffer lies outside the PAC');
    if (start < bodyStart) throw new PacError('a buffer lies in the directory');
    if (start % 8 !== 0) throw new PacError('a buffer is not aligned to 8 bytes');
    ranges.push({ start, end });
    if (!buffers.has(type)) buffers.set(type, { offset: start, bytes: pac.subarray(start, end) });
    else if (onlyOnce.has(type)) throw new PacError(`buffer type ${type} occurs twice`);
  }
  // The signatures are set to zero before the checksum is computed: nothing else may lie under them.
  ranges.sort((a, b) => a.start - b.start || a.end - b.end);
  if (ranges.some(({ end }, i) => end > (ranges[i + 1]?.start ?? end))) throw new PacError('two buffers overlap');
  return buffers;
}
