/**
 * The realms that vouched for a client on the way (RFC 4120, 2.7 and 3.3.3.2).
 *
 * @module
 */

import type { TransitedEncoding } from './messages/ticket.ts';

/** DOMAIN-X500-COMPRESS, the only encoding in use (RFC 4120, 3.3.3.2). */
export const domainX500Compress = 1;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The realms between the client's and the service's, or `undefined` when the encoding uses a form that is not
 * understood here: X.500 names, quoting, and the empty entry that means "all on the way".
 */
export function transitedRealms({ type, contents }: TransitedEncoding): readonly string[] | undefined {
  if (contents.length === 0) return [];
  if (type !== domainX500Compress) return undefined;
  let text: string;
  try {
    text = utf8.decode(contents);
  } catch {
    return undefined;
  }
  const realms: string[] = [];
  for (const entry of text.split(',')) {
    if (entry === '' || /[\\/\s]/.test(entry) || entry.startsWith('.')) return undefined;
    // "A name that ends with a dot is prepended to the previous realm."
    const previous = realms.at(-1);
    if (!entry.endsWith('.')) realms.push(entry);
    else if (previous === undefined) return undefined;
    else realms.push(entry + previous);
  }
  return realms;
}

/**
 * The realms on the way up from the one to their common parent and down to the other, both ends left out. Without a
 * common parent the way goes up to the top and down from there, as MIT's libraries walk it.
 */
export function hierarchicalPath(from: string, to: string): readonly string[] {
  const up = [...ancestors(from)];
  const down = [...ancestors(to)];
  const top = up.find((realm) => down.includes(realm));
  const path =
    top === undefined ? [...up, ...down] : [...up.slice(0, up.indexOf(top) + 1), ...down.slice(0, down.indexOf(top))];
  return path.filter((realm) => realm !== from && realm !== to);
}

function* ancestors(realm: string): Generator<string> {
  yield realm;
  for (let dot = realm.indexOf('.'); dot !== -1; dot = realm.indexOf('.', dot + 1)) yield realm.slice(dot + 1);
}

/**
 * Whether every realm that a ticket passed through may have vouched for the client: those between the two in the
 * hierarchy, as MIT's libraries have it without further configuration, and those that were configured.
 */
export function transitAllowed(
  transited: TransitedEncoding,
  clientRealm: string,
  serviceRealm: string,
  transitRealms: readonly string[],
): boolean {
  const realms = transitedRealms(transited);
  if (realms === undefined) return false;
  const path = hierarchicalPath(clientRealm, serviceRealm);
  return realms.every(
    (realm) => realm === clientRealm || realm === serviceRealm || path.includes(realm) || transitRealms.includes(realm),
  );
}
