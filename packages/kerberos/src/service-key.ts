import { etypeName, type Key } from './etypes.ts';
import { type Failure, failure } from './failure.ts';
import type { KeytabEntryInfo } from './keytab.ts';
import { principalText } from './messages/principal-name.ts';
import type { Ticket } from './messages/ticket.ts';
import { Etype } from './numbers.ts';
import { type AcceptPolicy, foldService } from './policy.ts';
import { quote, quoteAll } from './quote.ts';

/** The keys for a ticket, or why there are none. */
export type ServiceKeys =
  | { readonly kind: 'found'; readonly service: string; readonly keys: readonly Key[] }
  | { readonly kind: 'refused'; readonly failure: Failure };

/**
 * The keys that can have encrypted a ticket, or a text that says which one is missing and how to get it
 * (RFC 4120, 3.2.3: KRB_AP_ERR_NOT_US, KRB_AP_ERR_BADKEYVER, KRB_AP_ERR_NOKEY).
 */
export function findServiceKeys(policy: AcceptPolicy, { realm, service, encrypted }: Ticket): ServiceKeys {
  const { etype, kvno } = encrypted;
  const asked = `${principalText(service)}@${realm}`;
  const known = policy.services.get(foldService(asked));
  if (known === undefined) return refuse('wrong-service', wrongService(policy, asked));
  if (etype === Etype.rc4Hmac && !policy.allowRc4) return refuse('rc4-refused', rc4Text('The ticket', known));

  const lookup = policy.keytab.find({ principal: principalText(service), realm, etype, kvno });
  switch (lookup.kind) {
    case 'found':
      return { kind: 'found', service: known, keys: lookup.keys };
    case 'no-principal':
      return refuse('wrong-service', wrongService(policy, asked));
    case 'no-etype':
      return refuse('encryption-type', missingEtype(known, etype, lookup.present));
    case 'no-kvno':
      return refuse('key-version', missingVersion(known, (kvno ?? 0) >>> 0, etype, lookup.present));
  }
}

/** What to do about RC4, for whatever part of a token uses it. */
export const rc4Text = (what: string, service: string): string =>
  `${what} uses rc4-hmac, which is not accepted. On the account that has the service ${quote(service)}, set ` +
  'msDS-SupportedEncryptionTypes to 24 (AES128 and AES256), reset its password and export the keytab again.';

const refuse = (code: Parameters<typeof failure>[0], message: string): ServiceKeys => ({
  kind: 'refused',
  failure: failure(code, message),
});

const wrongService = (policy: AcceptPolicy, asked: string): string =>
  `The ticket is for ${quote(asked)}; accepted are ${quoteAll([...policy.services.values()]) || 'none'}. ` +
  'Register this service name on the account of the keytab and export it again, or use a host name that is accepted.';

const numbers = (values: readonly number[]): string => [...new Set(values)].sort((a, b) => a - b).join(', ');

const missingEtype = (service: string, etype: number, present: readonly KeytabEntryInfo[]): string =>
  `The ticket for ${quote(service)} is encrypted with ${etypeName(etype)}; the keytab has ` +
  `${[...new Set(present.map((entry) => etypeName(entry.etype)))].join(', ')}. Export the keytab again with all ` +
  'encryption types of the account, or restrict the account to those that the keytab has.';

const missingVersion = (service: string, kvno: number, etype: number, present: readonly KeytabEntryInfo[]): string => {
  const versions = numbers(present.filter((entry) => entry.etype === etype).map((entry) => entry.kvno));
  return (
    `The keytab has kvno ${versions} for ${quote(service)}, the ticket was encrypted with kvno ${kvno}: ` +
    'export the keytab again. If the keytab is the newer one, the client must sign out of Windows or purge its tickets.'
  );
};
