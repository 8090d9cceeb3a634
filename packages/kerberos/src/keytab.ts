/**
 * The service's long-term keys, and the search for the one that a ticket needs. When there is none, the answer says
 * what is missing, so that an administrator knows what to do.
 *
 * @module
 */
import { importKey, isSupportedEtype, type Key } from './etypes.ts';
import { type KeytabEntry, readKeytabFile } from './keytab-file.ts';

export { encodeKeytab, type KeytabEntry, KeytabError } from './keytab-file.ts';

/** What can be said about a keytab entry without giving its key away. */
export type KeytabEntryInfo = Omit<KeytabEntry, 'key'>;

/** What a ticket says about the key that it is encrypted with. */
export interface KeyRequest {
  /** `HTTP/app.corp.example`, escaped as `principalText` does. */
  readonly principal: string;
  readonly realm: string;
  readonly etype: number;
  /** Tickets may leave it out. A number that was sent as a negative one counts as its unsigned value. */
  readonly kvno: number | undefined;
}

export type KeyLookup =
  /** At least one key; each is to be tried in turn. More than one when the ticket does not say which. */
  | { readonly kind: 'found'; readonly keys: readonly Key[] }
  /** The keytab has nothing for this principal. `Keytab.principals` are what it has. */
  | { readonly kind: 'no-principal' }
  /** There is no usable key of this encryption type for the principal, whatever the version. */
  | { readonly kind: 'no-etype'; readonly present: readonly KeytabEntryInfo[] }
  /** There are keys of this encryption type for the principal, but of other versions. */
  | { readonly kind: 'no-kvno'; readonly present: readonly KeytabEntryInfo[] };

interface Row {
  readonly info: KeytabEntryInfo;
  /** `undefined` for an encryption type that is not spoken here. */
  readonly key: Key | undefined;
}

/** Keys by principal. Each is imported once, so that what is derived from it is derived once. */
export class Keytab {
  /** Every entry, in the order of the file, without its key: safe to print. */
  readonly entries: readonly KeytabEntryInfo[];
  readonly #rows = new Map<string, Row[]>();

  /** Throws `RangeError` for a key whose length does not fit its encryption type. */
  constructor(entries: readonly KeytabEntry[]) {
    const infos: KeytabEntryInfo[] = [];
    for (const { key, ...info } of entries) {
      const row = { info, key: isSupportedEtype(info.etype) ? importKey(info.etype, key) : undefined };
      const index = indexOf(info.principal, info.realm);
      const rows = this.#rows.get(index);
      if (rows === undefined) this.#rows.set(index, [row]);
      else rows.push(row);
      infos.push(info);
    }
    this.entries = infos;
  }

  /** The principals with their realms, `HTTP/app.corp.example@CORP.EXAMPLE`, each once, as the file spells them. */
  get principals(): readonly string[] {
    return [...new Set(this.entries.map(({ principal, realm }) => `${principal}@${realm}`))];
  }

  /**
   * The keys that can have encrypted a ticket. Principals are compared without regard to ASCII case, as Active
   * Directory does: a wrong match does no harm, since its key will not decrypt the ticket. Realms are compared exactly.
   */
  find({ principal, realm, etype, kvno }: KeyRequest): KeyLookup {
    const rows = this.#rows.get(indexOf(principal, realm));
    if (rows === undefined) return { kind: 'no-principal' };
    const present = rows.map(({ info }) => info);

    const ofType = rows.filter((row): row is UsableRow => row.info.etype === etype && row.key !== undefined);
    if (ofType.length === 0) return { kind: 'no-etype', present };

    const chosen = kvno === undefined ? newestFirst(ofType) : ofVersion(ofType, kvno >>> 0);
    if (chosen.length === 0) return { kind: 'no-kvno', present };
    return { kind: 'found', keys: chosen.map(({ key }) => key) };
  }
}

/** Reads a keytab file. Throws `KeytabError`, which says where the file is wrong. */
export function parseKeytab(bytes: Uint8Array): Keytab {
  return new Keytab(readKeytabFile(bytes));
}

type UsableRow = Row & { readonly key: Key };

/**
 * The rows of a key version: those of exactly this number, else those that agree in as much of it as may have been
 * kept. A read-only domain controller puts its own number into the upper half (MS-KILE, 3.1.5.8), and old keytabs
 * have only the lowest byte. Last those of version 0, which no account has: `ktpass -kvno 0` writes it for "any", and
 * MIT's libraries read it so.
 */
function ofVersion(rows: readonly UsableRow[], kvno: number): readonly UsableRow[] {
  const exact = rows.filter(({ info }) => info.kvno === kvno);
  if (exact.length > 0) return exact;
  const lowerHalf = rows.filter(({ info }) => (info.kvno & 0xffff) === (kvno & 0xffff));
  if (lowerHalf.length > 0) return lowerHalf;
  const lowestByte = kvno > 0xff ? rows.filter(({ info }) => info.kvno === (kvno & 0xff)) : [];
  return lowestByte.length > 0 ? lowestByte : rows.filter(({ info }) => info.kvno === 0);
}

const newestFirst = (rows: readonly UsableRow[]): readonly UsableRow[] =>
  rows.toSorted((a, b) => b.info.kvno - a.info.kvno);

const indexOf = (principal: string, realm: string): string => `${foldAscii(principal)}@${realm}`;

const foldAscii = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
