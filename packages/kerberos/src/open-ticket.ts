import { etypeName, importKey, isSupportedEtype, type Key } from './etypes.ts';
import type { EncryptionKey } from './messages/encrypted-data.ts';
import { hasFlag } from './messages/primitives.ts';
import { type EncTicketPart, readEncTicketPart, type Ticket } from './messages/ticket.ts';
import { Etype, KeyUsage, TicketFlag } from './numbers.ts';
import type { AcceptPolicy } from './policy.ts';
import { quote } from './quote.ts';
import { decode, Refusal, refuse } from './refusal.ts';
import { findServiceKeys, rc4Text } from './service-key.ts';

/** A ticket, decrypted with one of our keys. */
export interface OpenedTicket {
  readonly service: string;
  readonly serviceKey: Key;
  readonly ticket: EncTicketPart;
}

/** Finds the key and decrypts (RFC 4120, 3.2.3). Refuses what it cannot open, saying why. */
export function openTicket(sealed: Ticket, policy: AcceptPolicy): OpenedTicket {
  const found = findServiceKeys(policy, sealed);
  if (found.kind === 'refused') throw new Refusal(found.failure);
  for (const serviceKey of found.keys) {
    const plain = serviceKey.decrypt(KeyUsage.ticket, sealed.encrypted.cipher);
    if (plain !== undefined)
      return { service: found.service, serviceKey, ticket: decode('decrypted ticket', readEncTicketPart, plain) };
  }
  return refuse(
    'integrity',
    `The ticket for ${quote(found.service)} cannot be decrypted: it was altered on the way, or the keytab's key is not ` +
      "the account's (password changed without a new export, or the service name is registered on two accounts).",
  );
}

/** The flag INVALID, start and end, with skew (RFC 4120, 3.2.3). A ticket without a start starts at its authtime. */
export function checkTicketTimes(ticket: EncTicketPart, now: number, skew: number): void {
  if (hasFlag(ticket.flags, TicketFlag.invalid))
    refuse('ticket-invalid', 'The ticket is postdated and was not validated by the KDC');
  const start = ticket.startTime ?? ticket.authTime;
  if (start - now > skew)
    refuse(
      'ticket-not-yet-valid',
      `The ticket is valid from ${time(start)}, and here it is ${time(now)}: check the clocks of this server and the KDC`,
    );
  if (now - ticket.endTime > skew)
    refuse(
      'ticket-expired',
      `The ticket ended at ${time(ticket.endTime)}, and here it is ${time(now)}: the client needs a new one. ` +
        'If that happens often, check the clock of this server.',
    );
}

/** A key that a peer sent: of a type that is spoken, of the right length, and not RC4. */
export function peerKey({ etype, value }: EncryptionKey, what: string, service: string, policy: AcceptPolicy): Key {
  if (etype === Etype.rc4Hmac && !policy.allowRc4) refuse('rc4-refused', rc4Text(what, service));
  if (!isSupportedEtype(etype)) refuse('encryption-type', `${what} is of ${etypeName(etype)}, which is not supported`);
  try {
    return importKey(etype, value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return refuse('token-malformed', `${what} has a length that does not fit ${etypeName(etype)}`);
  }
}

const time = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
