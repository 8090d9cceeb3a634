import { context, type DerReader, Tag } from '../der.ts';
import {
  encodeInteger,
  encodeKerberosString,
  field,
  readInt32,
  readKerberosString,
  readList,
  sequence,
} from './primitives.ts';

/** RFC 4120 sets no limit; no name in use comes near. */
const mostComponents = 16;

/** PrincipalName (RFC 4120, 5.2.2): the components of a name, without its realm. */
export interface PrincipalName {
  /** A hint only (RFC 4120, 6.2): names are compared without it. */
  readonly nameType: number;
  readonly components: readonly string[];
}

// PrincipalName ::= SEQUENCE { name-type [0] Int32, name-string [1] SEQUENCE OF KerberosString }
/** Reads one inside another message; throws `DerError`. */
export function readPrincipalName(der: DerReader): PrincipalName {
  return der.enter(Tag.sequence, (name) => ({
    nameType: name.enter(context(0), readInt32),
    components: name.enter(context(1), (list) => readList(list, 1, mostComponents, readKerberosString)),
  }));
}

/** The inverse of `readPrincipalName`. */
export const encodePrincipalName = ({ nameType, components }: PrincipalName): Uint8Array =>
  sequence(field(0, encodeInteger(nameType)), field(1, sequence(...components.map(encodeKerberosString))));

/**
 * The name as one string, `HTTP/app.corp.example`. A slash, at sign or backslash inside a component is escaped
 * (RFC 1964, 2.1.1): otherwise the one component `alice/admin` would pass for the two of `alice/admin`.
 */
export const principalText = ({ components }: PrincipalName): string =>
  components.map((component) => component.replace(/[\\/@]/g, '\\$&')).join('/');

/** Whether two names are the same: every component, byte for byte, the type left aside (RFC 4120, 6.2). */
export const samePrincipal = (a: PrincipalName, b: PrincipalName): boolean =>
  a.components.length === b.components.length && a.components.every((component, i) => component === b.components[i]);
