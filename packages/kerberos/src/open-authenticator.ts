import type { Key } from './etypes.ts';
import { GssError } from './gss.ts';
import { type GssChecksum, GssFlag, readGssChecksum } from './gss-checksum.ts';
import type { ApReq } from './messages/ap-req.ts';
import { type Authenticator, readAuthenticator } from './messages/authenticator.ts';
import { principalText, samePrincipal } from './messages/principal-name.ts';
import type { EncTicketPart } from './messages/ticket.ts';
import { ChecksumType, KeyUsage } from './numbers.ts';
import { quote } from './quote.ts';
import { decode, refuse } from './refusal.ts';

/** Decrypts the authenticator with the key that the KDC gave the client. */
export function openAuthenticator({ authenticator }: ApReq, sessionKey: Key): Authenticator {
  if (authenticator.etype !== sessionKey.etype)
    refuse('integrity', 'The authenticator is not encrypted with the session key of the ticket');
  const plain =
    sessionKey.decrypt(KeyUsage.apReqAuthenticator, authenticator.cipher) ??
    refuse('integrity', 'The authenticator cannot be decrypted with the session key of the ticket');
  return decode('decrypted authenticator', readAuthenticator, plain);
}

/** Who sends the ticket must be whom it was issued to (RFC 4120, 3.2.3: KRB_AP_ERR_BADMATCH). */
export function checkSameClient(ticket: EncTicketPart, authenticator: Authenticator): void {
  if (ticket.clientRealm === authenticator.clientRealm && samePrincipal(ticket.client, authenticator.client)) return;
  const [holder, sender] = [ticket, authenticator].map((part) =>
    quote(`${principalText(part.client)}@${part.clientRealm}`),
  );
  refuse('client-mismatch', `The ticket is for ${holder} and was sent by ${sender}`);
}

/** RFC 4120, 3.2.3: KRB_AP_ERR_SKEW. */
export function checkClock({ ctime, cusec }: Authenticator, now: number, skew: number): void {
  const ahead = ctime + cusec / 1000 - now;
  if (Math.abs(ahead) <= skew) return;
  const direction = ahead > 0 ? 'ahead of' : 'behind';
  refuse(
    'clock-skew',
    `The client's clock is ${duration(Math.abs(ahead))} ${direction} this server's, ${duration(skew)} are allowed: ` +
      'check the time service on both',
  );
}

/** RFC 4121, 4.1.1: every client of GSS-API sends it, so a token without it was not meant for us. */
export function openGssChecksum({ checksum }: Authenticator): GssChecksum {
  if (checksum === undefined) return refuse('gss-checksum', 'The authenticator has no GSS-API checksum');
  if (checksum.type !== ChecksumType.gss)
    return refuse(
      'gss-checksum',
      `The authenticator has a checksum of type ${checksum.type}, not that of GSS-API (32771)`,
    );
  let gss: GssChecksum;
  try {
    gss = readGssChecksum(checksum.bytes);
  } catch (error) {
    if (!(error instanceof GssError)) throw error;
    return refuse('gss-checksum', error.message);
  }
  if ((gss.flags & GssFlag.dceStyle) !== 0)
    refuse('option-unsupported', 'The client asks for DCE-style authentication, which HTTP does not use');
  return gss;
}

const duration = (ms: number): string =>
  ms < 120_000 ? `${Math.ceil(ms / 1000)} seconds` : `${Math.round(ms / 60_000)} minutes`;
