/**
 * The names in an X.509 certificate (RFC 5280) by which a person can be known. Read from
 * the bytes: the texts that libraries make of a certificate can be forged from within
 * (CVE-2021-44532).
 *
 * @module
 */
import { DerError, DerReader, Tag } from '@cardea/kerberos';

export interface CertificateNames {
  /** Each `CN` of the subject. */
  readonly commonNames: readonly string[];
  /** `userPrincipalName` among the alternative names, as AD writes it into smart cards (1.3.6.1.4.1.311.20.2.3). */
  readonly upns: readonly string[];
  /** E-mail addresses among the alternative names. */
  readonly emails: readonly string[];
  /** Host names among the alternative names. */
  readonly hosts: readonly string[];
  /** The end of its validity; milliseconds since the epoch. */
  readonly notAfter: number;
}

/** Object identifiers, DER, as hexadecimal. */
const commonName = '550403';
const subjectAltName = '551d11';
const userPrincipalName = '2b060104018237140203';

const explicit = (n: number): number => 0xa0 | n;
const implicit = (n: number): number => 0x80 | n;
const set = 0x31;
const utcTime = 0x17;

/** Reads a certificate; `undefined` for one that is not strict DER, or that has a name with control characters. */
export function readCertificateNames(der: Uint8Array): CertificateNames | undefined {
  try {
    return DerReader.decode(der, (certificate) =>
      certificate.enter(Tag.sequence, (parts) => {
        const names = parts.enter(Tag.sequence, readSigned);
        parts.rest(); // the signature, which TLS has verified
        return names;
      }),
    );
  } catch (error) {
    if (error instanceof DerError || error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** TBSCertificate (RFC 5280, 4.1). */
function readSigned(field: DerReader): CertificateNames {
  field.optional(explicit(0), (version) => version.rest());
  field.contents(Tag.integer); // serial number
  field.contents(Tag.sequence); // signature algorithm
  field.contents(Tag.sequence); // issuer
  const notAfter = field.enter(Tag.sequence, (validity) => {
    readTime(validity);
    return readTime(validity);
  });
  const commonNames = field.enter(Tag.sequence, readCommonNames);
  field.contents(Tag.sequence); // public key
  for (const tag of [implicit(1), implicit(2)]) if (field.peek() === tag) field.contents(tag);
  const found: AlternativeNames = { upns: [], emails: [], hosts: [] };
  field.optional(explicit(3), (extensions) =>
    extensions.enter(Tag.sequence, (each) => {
      while (each.peek() !== undefined) each.enter(Tag.sequence, (extension) => readExtension(extension, found));
    }),
  );
  return { commonNames, notAfter, ...found };
}

/** RDNSequence (RFC 5280, 4.1.2.4). */
function readCommonNames(sequence: DerReader): string[] {
  const names: string[] = [];
  while (sequence.peek() !== undefined)
    sequence.enter(set, (relative) => {
      while (relative.peek() !== undefined)
        relative.enter(Tag.sequence, (attribute) => {
          const isCommonName = hex(attribute.contents(Tag.oid)) === commonName;
          const value = attribute.element();
          if (isCommonName) names.push(readDirectoryString(value));
        });
    });
  return names;
}

interface AlternativeNames {
  readonly upns: string[];
  readonly emails: string[];
  readonly hosts: string[];
}

function readExtension(extension: DerReader, found: AlternativeNames): void {
  const oid = hex(extension.contents(Tag.oid));
  if (extension.peek() === Tag.boolean) extension.contents(Tag.boolean); // critical
  const value = extension.contents(Tag.octetString);
  if (oid === subjectAltName)
    DerReader.decode(value, (names) => names.enter(Tag.sequence, (each) => readAlternativeNames(each, found)));
}

/** GeneralNames (RFC 5280, 4.2.1.6). */
function readAlternativeNames(names: DerReader, found: AlternativeNames): void {
  for (let tag = names.peek(); tag !== undefined; tag = names.peek()) {
    if (tag === explicit(0)) names.enter(tag, (other) => readOtherName(other, found));
    else if (tag === implicit(1)) found.emails.push(readAscii(names.contents(tag)));
    else if (tag === implicit(2)) found.hosts.push(readAscii(names.contents(tag)));
    else names.element();
  }
}

function readOtherName(other: DerReader, found: AlternativeNames): void {
  const oid = hex(other.contents(Tag.oid));
  const value = other.enter(explicit(0), (inner) => inner.element());
  if (oid === userPrincipalName) found.upns.push(readDirectoryString(value));
}

/** UTF8String, PrintableString, IA5String and BMPString, whole elements; the rest has no certain reading. */
function readDirectoryString(element: Uint8Array): string {
  return DerReader.decode(element, (value) => {
    const tag = value.peek() ?? 0;
    const bytes = value.contents(tag);
    if (tag === 0x0c) return withoutControls(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    if (tag === 0x13 || tag === 0x16) return readAscii(bytes);
    if (tag === 0x1e)
      return withoutControls(new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true }).decode(bytes));
    throw new TypeError('Cannot read name: its type is none that is known');
  });
}

function readAscii(bytes: Uint8Array): string {
  if (bytes.some((byte) => byte > 0x7e)) throw new TypeError('Cannot read name: it is not ASCII');
  return withoutControls(Buffer.from(bytes).toString('latin1'));
}

/** A NUL in a name has cut it off for some readers and not for others. */
function withoutControls(text: string): string {
  if (/\p{Cc}/u.test(text)) throw new TypeError('Cannot read name: it has control characters');
  return text;
}

/** Time (RFC 5280, 4.1.2.5): UTCTime up to 2049, GeneralizedTime from then on, always in Z with seconds. */
function readTime(field: DerReader): number {
  const short = field.peek() === utcTime;
  const text = Buffer.from(field.contents(short ? utcTime : Tag.generalizedTime)).toString('latin1');
  const full = short ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full) ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(time)) throw new TypeError('Cannot read certificate: its validity is no time');
  return time;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
