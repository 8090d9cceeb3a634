import { quote } from './quote.ts';
import type { Keytab } from './keytab.ts';

/** What an acceptor lets in. */
export interface AcceptPolicyOptions {
  readonly keytab: Keytab;
  /**
   * The service principals that may be asked for, `HTTP/app.corp.example`, with or without `@REALM`; by default every
   * one in the keytab. Compared without regard to case, as Active Directory does.
   */
  readonly services?: readonly string[];
  /** The realms that a client may come from, spelt as in tickets; by default any that the KDC vouches for. */
  readonly clientRealms?: readonly string[];
  /**
   * Realms that a ticket may have passed through although they are not between the client's and the service's in the
   * hierarchy of names, where the KDC did not check it itself (RFC 4120, 2.7): other trees of a forest.
   */
  readonly transitRealms?: readonly string[];
  /** How far a client's clock may be from ours; 5 minutes. */
  readonly maxSkewMs?: number;
  /** Refuse tokens that are not bound to this TLS connection. Clients without channel bindings are then locked out. */
  readonly requireChannelBindings?: boolean;
  /**
   * Refuse tickets whose PAC does not name the client's account. In Active Directory anybody can ask for a ticket
   * without one, under every name that the KDC finds him by, and leave his groups behind. Realms without PACs are then
   * locked out.
   */
  readonly requirePac?: boolean;
  /** Accept RC4 (etype 23) for tickets, session keys and sub-keys. It is broken: anybody can ask for a ticket and guess. */
  readonly dangerouslyAllowRc4?: boolean;
}

/** The options with their defaults filled in and their names looked up. */
export interface AcceptPolicy {
  readonly keytab: Keytab;
  /** From a service's folded name to the spelling of the keytab. */
  readonly services: ReadonlyMap<string, string>;
  readonly clientRealms: ReadonlySet<string> | undefined;
  readonly transitRealms: readonly string[];
  readonly maxSkewMs: number;
  readonly requireChannelBindings: boolean;
  readonly requirePac: boolean;
  readonly allowRc4: boolean;
}

const largestSkewMs = 24 * 3_600_000;

/** How services are compared: the name by ASCII letters without case, the realm exactly, as `Keytab.find` has it. */
export function foldService(service: string): string {
  const name = /^(?:[^@\\]|\\.)*/u.exec(service)?.[0] ?? '';
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) + service.slice(name.length);
}

/** Throws `RangeError` for options that cannot be meant: a service without a key, a skew that is no time. */
export function acceptPolicy(options: AcceptPolicyOptions): AcceptPolicy {
  const { keytab, services, clientRealms, transitRealms = [], maxSkewMs = 300_000 } = options;
  if (!(maxSkewMs >= 0 && maxSkewMs <= largestSkewMs))
    throw new RangeError('Cannot create acceptor: maxSkewMs is not between 0 and one day');
  return {
    keytab,
    services: selectServices(keytab, services),
    clientRealms: clientRealms && new Set(clientRealms),
    transitRealms,
    maxSkewMs,
    requireChannelBindings: options.requireChannelBindings ?? false,
    requirePac: options.requirePac ?? false,
    allowRc4: options.dangerouslyAllowRc4 ?? false,
  };
}

function selectServices(keytab: Keytab, wanted: readonly string[] | undefined): ReadonlyMap<string, string> {
  const present = new Map(keytab.principals.map((principal) => [foldService(principal), principal]));
  if (wanted === undefined) return present;
  const chosen = new Map<string, string>();
  for (const service of wanted) {
    const folded = foldService(service);
    const matches = [...present].filter(([name]) => name === folded || name.startsWith(`${folded}@`));
    if (matches.length === 0)
      throw new RangeError(`Cannot create acceptor: the keytab has no key for the service ${quote(service)}`);
    for (const [name, principal] of matches) chosen.set(name, principal);
  }
  return chosen;
}
