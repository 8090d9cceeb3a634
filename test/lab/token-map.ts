/**
 * Which part of a real SPNEGO token with an AP-REQ each byte belongs to, in words.
 *
 * Written apart from the package's own readers on purpose: it must not share their mistakes.
 *
 * @module
 */

/** One element's header, or the contents of one that holds no other element. */
export interface TokenPart {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Encrypted, and so protected by a checksum. */
  readonly encrypted: boolean;
}

const krb5 = '60.a0.30.a2.04.60';
const apReq = `${krb5}.6e.30`;
const ticket = `${apReq}.a3.61.30`;

/** Leaves by the tags on the way to them; RFC 4178, 4.2.1, RFC 4121, 4.1, RFC 4120, 5.5.1 and 5.3. */
const leaves: Readonly<Record<string, string>> = {
  '60.06': 'SPNEGO: identifier',
  '60.a0.30.a0.30.06': 'SPNEGO: mechanism in the list',
  [`${krb5}.06`]: 'Kerberos frame: identifier',
  [`${krb5}.tok`]: 'Kerberos frame: token id',
  [`${apReq}.a0.02`]: 'AP-REQ: version',
  [`${apReq}.a1.02`]: 'AP-REQ: message type',
  [`${apReq}.a2.03`]: 'AP-REQ: options',
  [`${ticket}.a0.02`]: 'ticket: version',
  [`${ticket}.a1.1b`]: 'ticket: realm',
  [`${ticket}.a2.30.a0.02`]: 'ticket: type of service name',
  [`${ticket}.a2.30.a1.30.1b`]: 'ticket: service name',
  [`${ticket}.a3.30.a0.02`]: 'ticket: encryption type',
  [`${ticket}.a3.30.a1.02`]: 'ticket: key version',
  [`${ticket}.a3.30.a2.04`]: 'ticket: encrypted part',
  [`${apReq}.a4.30.a0.02`]: 'authenticator: encryption type',
  [`${apReq}.a4.30.a2.04`]: 'authenticator: encrypted part',
};

/** Regions for tags and lengths, the innermost first. */
const regions: readonly (readonly [path: string, name: string])[] = [
  [`${apReq}.a4`, 'authenticator: tags and lengths'],
  [`${apReq}.a3`, 'ticket: tags and lengths'],
  [`${krb5}.6e`, 'AP-REQ: tags and lengths'],
  [krb5, 'Kerberos frame: tags and lengths'],
  ['60', 'SPNEGO: tags and lengths'],
];

/** All parts of the token, in order and without gaps. Throws for a token of another shape. */
export function mapToken(token: Uint8Array): readonly TokenPart[] {
  const parts: TokenPart[] = [];
  walk(token, 0, token.length, '', parts);
  return parts;
}

function walk(token: Uint8Array, from: number, end: number, parent: string, parts: TokenPart[]): void {
  let start = from;
  while (start < end) {
    if (parent === krb5 && token[start] === 0x01) {
      parts.push({ name: nameOfLeaf(`${krb5}.tok`), start, end: start + 2, encrypted: false });
      start += 2;
      continue;
    }
    const tag = token[start] ?? 0;
    const path = `${parent}${parent === '' ? '' : '.'}${tag.toString(16).padStart(2, '0')}`;
    const [body, bodyEnd] = contents(token, start);
    parts.push({ name: nameOfRegion(path), start, end: body, encrypted: false });
    const constructed = (tag & 0x20) !== 0 || path === '60.a0.30.a2.04';
    if (constructed) walk(token, body, bodyEnd, path, parts);
    else if (body < bodyEnd) {
      const name = nameOfLeaf(path);
      parts.push({ name, start: body, end: bodyEnd, encrypted: name.endsWith('encrypted part') });
    }
    start = bodyEnd;
  }
}

function contents(token: Uint8Array, start: number): readonly [start: number, end: number] {
  const first = token[start + 1] ?? 0;
  if (first < 0x80) return [start + 2, start + 2 + first];
  const body = start + 2 + (first & 0x7f);
  return [body, body + Number.parseInt(Buffer.from(token.subarray(start + 2, body)).toString('hex'), 16)];
}

function nameOfLeaf(path: string): string {
  const name = leaves[path];
  if (name === undefined) throw new Error(`Cannot map the token: nothing is known about ${path}`);
  return name;
}

const nameOfRegion = (path: string): string =>
  regions.find(([region]) => path.startsWith(region))?.[1] ?? 'SPNEGO: tags and lengths';
