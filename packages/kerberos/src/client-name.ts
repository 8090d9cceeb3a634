import type { EncTicketPart } from './messages/ticket.ts';
import { hasFlag } from './messages/primitives.ts';
import { principalText } from './messages/principal-name.ts';
import { NameType, TicketFlag } from './numbers.ts';
import type { Pac } from './pac.ts';
import type { AcceptPolicy } from './policy.ts';
import { quote } from './quote.ts';
import { refuse } from './refusal.ts';

/** How names and realms begin that mean the same everywhere (RFC 6111, 3). */
const wellKnown = 'WELLKNOWN';

/**
 * Refuses clients that are nobody's account: anonymous ones, which a KDC with anonymous PKINIT gives to whoever asks
 * (RFC 8062, 3), and every other well-known name, since none is understood here (RFC 6111, 3).
 */
export function checkSomebody({ client, clientRealm, flags }: EncTicketPart): void {
  const { nameType, components } = client;
  if (
    hasFlag(flags, TicketFlag.anonymous) ||
    nameType === NameType.wellKnown ||
    (components.length > 1 && components[0] === wellKnown) ||
    clientRealm.startsWith(`${wellKnown}:`)
  )
    refuse('client-name', 'The ticket is anonymous or for another well-known name: it says of nobody who he is');
  if (components.includes('')) refuse('client-name', "The client's name in the ticket is empty, or a part of it is");
}

/**
 * Refuses clients of whom it is not known which account they are. Without a PAC there is only the name by which the
 * client asked for its ticket. A KDC takes many for the same account: in any case, a computer's without its `$`, any
 * user principal name; so such a name can be what somebody else is called, or was.
 */
export function checkAccountKnown({ client }: EncTicketPart, pac: Pac | undefined, policy: AcceptPolicy): void {
  if (pac?.logon?.accountName || pac?.samName) return;
  if (policy.requirePac)
    refuse(
      'pac-missing',
      'The ticket has no PAC that names the account, and one is required. The client asked for a ticket without one, or ' +
        'the account of the service has the flag NO_AUTH_DATA_REQUIRED (0x2000000 in userAccountControl): take it away.',
    );
  if (client.nameType === NameType.enterprise)
    refuse(
      'client-name',
      `The ticket calls its client by the alias ${quote(principalText(client))}, and no PAC says whose that is. ` +
        'The client must ask the KDC for its canonical name (kinit -C).',
    );
}
