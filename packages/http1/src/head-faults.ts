/**
 * Finds out what is wrong with a head that the grammar does not accept. The order is fixed, and such that the part of a
 * head that has come already tells what the whole would tell: first the first line, then bytes that no head may have,
 * then the field lines.
 *
 * @module
 */
import { type Fault, fault } from './faults.ts';
import { FORBIDDEN, isFieldValue, isToken } from './grammar.ts';
import { KNOWN_METHODS } from './methods.ts';

/** The fault of a whole head, given without the CRLF CRLF at its end. */
export function faultInHead(kind: 'request' | 'response', text: string): Fault {
  const end = text.indexOf('\r\n');
  const line = end === -1 ? text : text.slice(0, end);
  const rest = end === -1 ? '' : text.slice(end);
  return faultInFirstLine(kind, line) ?? faultInFieldLines(rest);
}

/** The fault of a trailer section, each field with its line break in front. */
export function faultInTrailers(text: string): Fault {
  return faultInFieldLines(text);
}

/** The fault of a complete request line or status line, if it has one. */
export function faultInFirstLine(kind: 'request' | 'response', line: string): Fault | undefined {
  return faultInBytes(line) ?? (kind === 'request' ? faultInRequestLine(line) : faultInStatusLine(line));
}

/** The first byte of a head that no head may have. A carriage return at the end of `text` counts, as nothing follows it. */
export function faultInBytes(text: string): Fault | undefined {
  const byte = FORBIDDEN.exec(text)?.[0];
  if (byte === undefined) return undefined;
  return fault(byte === '\r' || byte === '\n' ? 'line-break-malformed' : 'control-character');
}

/** Whether this target has a form that belongs to the method (RFC 9112, 3.2). */
export function faultInRequestTarget(method: string, target: string): Fault | undefined {
  const right =
    method === 'CONNECT'
      ? /^(?:\[[0-9A-Fa-f:.]+\]|[^/?@:[\]]+):[0-9]{1,5}$/.test(target)
      : target.startsWith('/') || (target === '*' && method === 'OPTIONS') || /^https?:\/\/[^/?]/i.test(target);
  return right ? undefined : fault('target-malformed');
}

function faultInRequestLine(line: string): Fault | undefined {
  const parts = line.split(' ');
  const [method = '', target = '', version = ''] = parts;
  if (parts.length !== 3) return fault('request-line-malformed');
  if (!/^[A-Z][A-Z-]*$/.test(method)) return fault('method-malformed');
  if (!/^[\x21\x22\x24-\x7e]+$/.test(target)) return fault('target-malformed');
  const badVersion = faultInVersion(version, 'request-line-malformed');
  if (badVersion !== undefined) return badVersion;
  return KNOWN_METHODS.has(method) ? faultInRequestTarget(method, target) : fault('method-unknown');
}

function faultInStatusLine(line: string): Fault | undefined {
  const version = line.split(' ', 1)[0] ?? '';
  const rest = line.slice(version.length);
  const right = /^ [1-5][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?$/.test(rest);
  return faultInVersion(version, 'status-line-malformed') ?? (right ? undefined : fault('status-line-malformed'));
}

function faultInVersion(version: string, malformed: Fault['reason']): Fault | undefined {
  if (version === 'HTTP/1.1' || version === 'HTTP/1.0') return undefined;
  if (!/^HTTP\/[0-9]\.[0-9]$/.test(version)) return fault(malformed);
  return version.startsWith('HTTP/1.') ? fault('version-unknown') : fault('version-not-served', 505);
}

/** `text` is empty, or every line has its line break in front. */
function faultInFieldLines(text: string): Fault {
  const bad = faultInBytes(text);
  if (bad !== undefined) return bad;
  for (const line of text.split('\r\n').slice(1)) {
    if (/^[\t ]/.test(line)) return fault('field-folded');
    const colon = line.indexOf(':');
    if (colon === -1) return fault('field-line-malformed');
    if (!isToken(line.slice(0, colon))) return fault('field-name-malformed');
    if (!isFieldValue(line.slice(colon + 1))) return fault('field-value-malformed');
  }
  // Not reached for what the grammar refuses; a fault in any case.
  return fault('field-line-malformed');
}
