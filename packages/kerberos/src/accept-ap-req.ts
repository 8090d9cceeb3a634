import { noChannelBindings, sameChannelBindings, tlsServerEndPoint } from './channel-bindings.ts';
import { checkAccountKnown, checkSomebody } from './client-name.ts';
import type { Key } from './etypes.ts';
import type { Failure } from './failure.ts';
import { GssFlag } from './gss-checksum.ts';
import { type ApReq, readApReq } from './messages/ap-req.ts';
import type { Authenticator } from './messages/authenticator.ts';
import { hasFlag } from './messages/primitives.ts';
import { principalText } from './messages/principal-name.ts';
import type { EncTicketPart, Ticket } from './messages/ticket.ts';
import { ApOption, TicketFlag } from './numbers.ts';
import { checkClock, checkSameClient, openAuthenticator, openGssChecksum } from './open-authenticator.ts';
import { checkTicketTimes, openTicket, peerKey } from './open-ticket.ts';
import { type Pac, readPac } from './pac.ts';
import type { AcceptPolicy } from './policy.ts';
import { quote, quoteAll } from './quote.ts';
import { decode, Refusal, refuse } from './refusal.ts';
import { replayKey } from './replay-key.ts';
import { type ReadAuthorization, readAuthorization } from './ticket-authorization.ts';
import { transitAllowed } from './transited.ts';

/** What a token is judged by besides the policy. */
export interface AcceptCircumstances {
  /** Ms since the epoch. */
  readonly now: number;
  /**
   * The hash of the certificate that this TLS connection was made with (RFC 5929, 4.1); absent without TLS. Without it
   * a client's channel bindings are passed over, as RFC 2743, 1.1.6 has it for an acceptor that gives none: they may
   * belong to a TLS terminator in front.
   */
  readonly certificateHash?: Uint8Array;
}

/** Who signed on, by the word of the KDC. */
export interface AcceptedClient {
  /** `alice`. Slashes and at signs inside a component are escaped, see `principalText`. */
  readonly principal: string;
  readonly realm: string;
  /** `HTTP/app.corp.example@CORP.EXAMPLE`, in the keytab's spelling. */
  readonly service: string;
  /** Absent when the ticket has none. */
  readonly pac: Pac | undefined;
  readonly ticketEtype: number;
  readonly sessionEtype: number;
  /** When the client signed in to the KDC, and when its ticket ends, in ms since the epoch. */
  readonly authTime: number;
  readonly endTime: number;
  /** The token is bound to this TLS connection: a copy of it is useless on any other. */
  readonly channelBound: boolean;
}

/** An AP-REQ that passed every check except that it is new. Only `verifyApReq` makes one. */
export interface VerifiedApReq {
  readonly kind: 'verified';
  readonly client: AcceptedClient;
  readonly ticket: Ticket;
  /** To be claimed before the client is let in. */
  readonly replay: { readonly key: string; readonly expiresAt: number };
  readonly mutual: boolean;
  readonly sessionKey: Key;
  /** The key of the context until an acceptor's sub-key replaces it (RFC 4121, 2). */
  readonly initiatorKey: Key;
  readonly initiatorSequence: number;
  readonly ctime: number;
  readonly cusec: number;
}

/** An AP-REQ that failed a check. */
export interface RefusedApReq {
  readonly kind: 'refused';
  readonly failure: Failure;
  /** The ticket as far as it could be read, for a KRB-ERROR. Nothing of it is verified. */
  readonly ticket?: Ticket;
}

/**
 * Checks an AP-REQ as RFC 4120, 3.2.3 says, in this order:
 *
 * | step                                                | refused as |
 * |-----------------------------------------------------|------------|
 * | decode AP-REQ                                       | `token-malformed` |
 * | no user-to-user (the ticket is under a session key) | `option-unsupported` |
 * | the service is ours                                 | `wrong-service` |
 * | a key of this type and version                      | `rc4-refused`, `encryption-type`, `key-version` |
 * | decrypt the ticket (key usage 2)                    | `integrity`, `token-malformed` |
 * | flag INVALID, start and end, with skew              | `ticket-invalid`, `ticket-not-yet-valid`, `ticket-expired` |
 * | the session key's type                              | `rc4-refused`, `encryption-type` |
 * | decrypt the authenticator (key usage 11)            | `integrity`, `token-malformed` |
 * | same client in both                                 | `client-mismatch` |
 * | the client's clock                                  | `clock-skew` |
 * | the sub-key's type                                  | `rc4-refused`, `encryption-type` |
 * | GSS checksum (RFC 4121, 4.1.1), no DCE style        | `gss-checksum`, `option-unsupported` |
 * | authorization data understood (RFC 4120, 5.2.6)     | `option-unsupported`, `token-malformed` |
 * | channel bindings                                    | `channel-bindings` |
 * | the client's realm, and those on the way            | `realm-not-allowed` |
 * | the client is somebody: not anonymous               | `client-name` |
 * | PAC                                                 | `pac-invalid` |
 * | it is known which account the client is             | `pac-missing`, `client-name` |
 *
 * The replay claim comes after all of it and is the caller's: a token that is refused for any of these reasons, such
 * as a wrong clock that is put right a moment later, must not count as seen. The ticket's list of addresses is not
 * looked at: Active Directory never sends one, and behind a proxy it would mean nothing.
 */
export function verifyApReq(
  message: Uint8Array,
  policy: AcceptPolicy,
  circumstances: AcceptCircumstances,
): VerifiedApReq | RefusedApReq {
  let request: ApReq | undefined;
  try {
    request = decode('AP-REQ', readApReq, message);
    return verify(request, policy, circumstances);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { kind: 'refused', failure: error.failure, ...(request && { ticket: request.ticket }) };
  }
}

function verify(request: ApReq, policy: AcceptPolicy, circumstances: AcceptCircumstances): VerifiedApReq {
  const { now } = circumstances;
  if (hasFlag(request.options, ApOption.useSessionKey))
    refuse(
      'option-unsupported',
      'The client asks for user-to-user authentication, which a service with a keytab has not',
    );

  const { service, serviceKey, ticket } = openTicket(request.ticket, policy);
  checkTicketTimes(ticket, now, policy.maxSkewMs);
  const sessionKey = peerKey(ticket.key, 'The session key of the ticket', service, policy);

  const authenticator = openAuthenticator(request, sessionKey);
  checkSameClient(ticket, authenticator);
  checkClock(authenticator, now, policy.maxSkewMs);
  const subkey = authenticator.subkey && peerKey(authenticator.subkey, 'The sub-key of the client', service, policy);

  const gss = openGssChecksum(authenticator);
  const { pacs } = authorization(ticket, 'ticket');
  const { bindingsPromised } = authorization(authenticator, 'authenticator');
  const channelBound = checkBindings(gss.bindings, bindingsPromised, policy, circumstances.certificateHash);
  checkRealms(ticket, request.ticket.realm, policy);
  checkSomebody(ticket);
  const pac = openPac(pacs, serviceKey, ticket);
  checkAccountKnown(ticket, pac, policy);

  const principal = principalText(ticket.client);
  return {
    kind: 'verified',
    client: {
      principal,
      realm: ticket.clientRealm,
      service,
      pac,
      ticketEtype: serviceKey.etype,
      sessionEtype: sessionKey.etype,
      authTime: ticket.authTime,
      endTime: ticket.endTime,
      channelBound,
    },
    ticket: request.ticket,
    replay: {
      key: replayKey({
        clientRealm: ticket.clientRealm,
        client: principal,
        ticketCipher: request.ticket.encrypted.cipher,
        ctime: authenticator.ctime,
        cusec: authenticator.cusec,
        authenticatorCipher: request.authenticator.cipher,
      }),
      // The token is acceptable until ctime + skew; the rest is for replicas whose clocks are behind ours.
      expiresAt: authenticator.ctime + 2 * policy.maxSkewMs + 1000,
    },
    // Only the GSS flag is protected. The option says the same at every honest client, and a reply does no harm.
    mutual: hasFlag(request.options, ApOption.mutualRequired) || (gss.flags & GssFlag.mutual) !== 0,
    sessionKey,
    initiatorKey: subkey ?? sessionKey,
    initiatorSequence: (authenticator.sequenceNumber ?? 0) >>> 0,
    ctime: authenticator.ctime,
    cusec: authenticator.cusec,
  };
}

function authorization(part: EncTicketPart | Authenticator, where: string): ReadAuthorization {
  const findings = readAuthorization(part.authorizationData);
  switch (findings.kind) {
    case 'read':
      return findings;
    case 'malformed':
      return refuse('token-malformed', `The authorization data of the ${where} break their encoding rules`);
    case 'not-understood':
      return refuse(
        'option-unsupported',
        `The ${where} has authorization data of type ${findings.type}, which is not understood and may not be ignored`,
      );
  }
}

/** Gives whether the token is bound to this connection. */
function checkBindings(
  bindings: Uint8Array,
  promised: boolean,
  policy: AcceptPolicy,
  hash: Uint8Array | undefined,
): boolean {
  if (hash === undefined) {
    if (policy.requireChannelBindings)
      refuse('channel-bindings', 'Channel bindings are required, and this connection has no TLS to bind to');
    return false;
  }
  if (!noChannelBindings(bindings)) {
    if (sameChannelBindings(bindings, tlsServerEndPoint(hash))) return true;
    refuse(
      'channel-bindings',
      'The token is bound to another TLS connection. If TLS ends in front of this server, the certificates must be the ' +
        'same or that hop must not use TLS; otherwise somebody relays tokens.',
    );
  }
  if (policy.requireChannelBindings)
    refuse('channel-bindings', 'The client sent no channel bindings, and they are required');
  // MS-KILE, 3.4.5: without this check a relay would only have to leave the bindings out.
  if (promised)
    refuse('channel-bindings', 'The client sends channel bindings wherever there is TLS, and this token has none');
  return false;
}

function checkRealms(ticket: EncTicketPart, serviceRealm: string, policy: AcceptPolicy): void {
  const { clientRealm, transited } = ticket;
  if (policy.clientRealms !== undefined && !policy.clientRealms.has(clientRealm))
    refuse(
      'realm-not-allowed',
      `The client is of the realm ${quote(clientRealm)}; allowed are ${quoteAll([...policy.clientRealms]) || 'none'}`,
    );
  // RFC 4120, 2.7: what the KDC did not check, the service does.
  if (hasFlag(ticket.flags, TicketFlag.transitedPolicyChecked)) return;
  if (!transitAllowed(transited, clientRealm, serviceRealm, policy.transitRealms))
    refuse(
      'realm-not-allowed',
      `The client of ${quote(clientRealm)} came through realms that are not between that one and ${quote(serviceRealm)}. ` +
        'If they are to be trusted, name them as transit realms.',
    );
}

function openPac(pacs: readonly Uint8Array[], serverKey: Key, ticket: EncTicketPart): Pac | undefined {
  const [bytes] = pacs;
  if (bytes === undefined) return undefined;
  if (pacs.length > 1) refuse('pac-invalid', 'The ticket has more than one PAC');
  const clientName = ticket.client.components.join('/');
  const result = readPac(bytes, { serverKey, clientName, authTime: ticket.authTime });
  if (result.kind === 'refused') throw new Refusal(result.failure);
  return result.pac;
}
