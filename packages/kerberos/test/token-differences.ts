/**
 * What an accepted token has that the genuine one has not. Used by the fuzz tests to say exactly which parts of a token
 * nobody protects.
 *
 * @module
 */

import { readKrb5Token } from '../src/gss.ts';
import { readApReq } from '../src/messages/ap-req.ts';
import type { EncryptedData } from '../src/messages/encrypted-data.ts';
import { type InitialToken, readInitialToken } from '../src/spnego.ts';

/** The unprotected parts of a token: a change of these, and of nothing else, leaves the token good. */
export const unprotected = [
  /** SPNEGO around the Kerberos token, or not: the two are one token to the replay cache. */
  'spnego',
  /** Other mechanisms, after Kerberos. Nobody is weaker than we are, so no MIC is required (RFC 4178, 5). */
  'mech-types',
  /** RFC 4178, 4.2.1: to be ignored. */
  'req-flags',
  'neg-hints',
  'later-fields',
  /** Either OID of Kerberos in the GSS frame. */
  'mech',
  /** Mutual authentication, which only adds a reply, and bits without meaning. User-to-user is refused. */
  'ap-options',
  /** A hint (RFC 4120, 6.2). */
  'name-type',
  /** Upper and lower case in the service's name; the same keytab entry is meant. */
  'service-case',
  /** Which of our keys to try. With the wrong one the ticket does not decrypt. */
  'ticket-kvno',
  /** Says nothing: there is one session key. */
  'authenticator-kvno',
] as const;

/** A part of a token; `protected` stands for all that are not in `unprotected`. */
export type Difference = (typeof unprotected)[number] | 'protected';

/** What differs between two tokens that can both be read. `protected` for anything not in the list above. */
export function differences(genuine: Uint8Array, other: Uint8Array): ReadonlySet<Difference> {
  const found = new Set<Difference>();
  const note = (what: Difference, a: unknown, b: unknown): void => {
    if (text(a) !== text(b)) found.add(what);
  };
  const [a, b] = [open(genuine), open(other)];
  note('spnego', a.spnego === undefined, b.spnego === undefined);
  if (a.spnego && b.spnego) {
    note('mech-types', a.spnego.mechTypes, b.spnego.mechTypes);
    note('req-flags', a.spnego.reqFlags, b.spnego.reqFlags);
    note('neg-hints', a.spnego.negHints, b.spnego.negHints);
    note('protected', a.spnego.mechListMIC, b.spnego.mechListMIC);
    note('later-fields', a.spnego.unknownFields, b.spnego.unknownFields);
  }
  note('mech', a.mech, b.mech);
  note('ap-options', a.request.options, b.request.options);
  const [ticket, changed] = [a.request.ticket, b.request.ticket];
  note('protected', ticket.realm, changed.realm);
  note('name-type', ticket.service.nameType, changed.service.nameType);
  note('service-case', ticket.service.components, changed.service.components);
  note('protected', fold(ticket.service.components), fold(changed.service.components));
  note('ticket-kvno', ticket.encrypted.kvno, changed.encrypted.kvno);
  note('protected', sealed(ticket.encrypted), sealed(changed.encrypted));
  note('authenticator-kvno', a.request.authenticator.kvno, b.request.authenticator.kvno);
  note('protected', sealed(a.request.authenticator), sealed(b.request.authenticator));
  return found;
}

type SpnegoToken = Extract<InitialToken, { kind: 'spnego' }>;

function open(token: Uint8Array) {
  const initial = readInitialToken(token);
  const spnego: SpnegoToken | undefined = initial.kind === 'spnego' ? initial : undefined;
  const { mech, message } = readKrb5Token(spnego === undefined ? token : (spnego.mechToken ?? new Uint8Array()));
  return { spnego, mech, request: readApReq(message) };
}

const sealed = ({ etype, cipher }: EncryptedData): string => `${etype} ${Buffer.from(cipher).toString('base64')}`;
const fold = (components: readonly string[]): readonly string[] => components.map((name) => name.toLowerCase());

const text = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) => (v instanceof Uint8Array ? Buffer.from(v).toString('hex') : v)) ?? '';
