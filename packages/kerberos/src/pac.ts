/**
 * The PAC: what a KDC says in a ticket about its client (MS-PAC).
 *
 * The server checksum is verified first; nothing that it covers is looked at before it holds.
 *
 * @module
 */
import { type Failure, failure } from './failure.ts';
import type { Key } from './key.ts';
import { NdrError } from './ndr.ts';
import { type PacBuffer, PacError, PacType, readPacBuffers } from './pac-buffers.ts';
import { readClientInfo } from './pac-client-info.ts';
import { type PacLogon, readLogonInfo } from './pac-logon-info.ts';
import { verifyServerChecksum } from './pac-signature.ts';
import { type PacUpnDnsInfo, readUpnDnsInfo } from './pac-upn-dns-info.ts';
import { SidError, sidFromBytes } from './sid.ts';

/** A verified PAC. Every field beyond the checksum and the client is optional: its absence never hinders a sign-on. */
export interface Pac extends PacUpnDnsInfo {
  /** Absent when the KDC sent none (MIT from 1.20) or it could not be decoded: the client then has no groups. */
  readonly logon?: PacLogon;
  /** What is absent and why, for the log; made of fixed texts and positions only. */
  readonly note?: string;
}

export type PacResult =
  | { readonly kind: 'verified'; readonly pac: Pac }
  | { readonly kind: 'refused'; readonly failure: Failure };

/** What the PAC must agree with. */
export interface PacVerification {
  /** The key that decrypted the ticket. */
  readonly serverKey: Key;
  /** The ticket's client name without realm, components joined by `/`. */
  readonly clientName: string;
  /** The ticket's authtime, in ms since the epoch. */
  readonly authTime: number;
}

/**
 * Verifies and decodes the contents of AD-WIN2K-PAC. Never throws.
 *
 * Refused, always with the code `pac-invalid`: a server checksum that is wrong or missing, a CLIENT_INFO
 * that is missing or names another client or authtime, a REQUESTOR that cannot be decoded, SIDs that contradict each
 * other.
 */
export function readPac(bytes: Uint8Array, { serverKey, clientName, authTime }: PacVerification): PacResult {
  try {
    const buffers = readPacBuffers(bytes);
    if (!verifyServerChecksum(bytes, buffers, serverKey)) {
      throw new PacError('its server checksum is wrong, so it was not made by the KDC for this service and key');
    }
    const client = buffers.get(PacType.clientInfo);
    if (client === undefined) throw new PacError('it has no CLIENT_INFO');
    const { name, authTime: seconds } = readClientInfo(client.bytes);
    if (name !== clientName || seconds !== Math.floor(authTime / 1000)) {
      throw new PacError('its CLIENT_INFO names another client or sign-in time than the ticket');
    }
    return { kind: 'verified', pac: readIdentity(buffers) };
  } catch (error) {
    if (!(error instanceof PacError)) throw error;
    return { kind: 'refused', failure: failure('pac-invalid', `The ticket's PAC cannot be trusted: ${error.message}`) };
  }
}

function readIdentity(buffers: ReadonlyMap<number, PacBuffer>): Pac {
  const logon = attempt('LOGON_INFO', buffers.get(PacType.logonInfo), readLogonInfo);
  const upnDns = attempt('UPN_DNS_INFO', buffers.get(PacType.upnDnsInfo), readUpnDnsInfo);
  const sids = [logon.value?.userSid, upnDns.value?.sid, readRequestor(buffers.get(PacType.requestor))];
  if (new Set(sids.filter((sid) => sid !== undefined)).size > 1) {
    throw new PacError('its LOGON_INFO, UPN_DNS_INFO and REQUESTOR name different SIDs for the client');
  }
  const absence = logon.value || logon.note ? undefined : 'The PAC has no LOGON_INFO, so the client has no groups';
  const note = [logon.note, absence, upnDns.note].filter((text) => text !== undefined).join('. ');
  return { ...upnDns.value, ...(logon.value && { logon: logon.value }), ...(note !== '' && { note }) };
}

/**
 * The account that the ticket-granting ticket was issued to (PAC_REQUESTOR, MS-PAC 2.15). A KDC compares it with the
 * account that it finds by name; most leave it out of service tickets. It is there to be compared with and for nothing
 * else, so one that cannot be decoded counts as one that differs.
 */
function readRequestor(buffer: PacBuffer | undefined): string | undefined {
  if (buffer === undefined) return undefined;
  try {
    return sidFromBytes(buffer.bytes);
  } catch (error) {
    if (!(error instanceof SidError)) throw error;
    throw new PacError(`its REQUESTOR could not be decoded (${error.message})`);
  }
}

/** Decodes a buffer, if there is one. Failing costs what the buffer would have told, and not the sign-on. */
function attempt<T>(
  name: string,
  buffer: PacBuffer | undefined,
  read: (bytes: Uint8Array) => T,
): { readonly value?: T; readonly note?: string } {
  if (buffer === undefined) return {};
  try {
    return { value: read(buffer.bytes) };
  } catch (error) {
    if (!(error instanceof NdrError || error instanceof SidError || error instanceof PacError)) throw error;
    return { note: `The PAC's ${name} could not be decoded and was left out (${error.message})` };
  }
}
