/**
 * People for whom another server speaks: IIS or a proxy in front has signed them in, and
 * names them in a header. It is believed from configured peers alone, by the address of
 * the socket, which no header can change; everybody else's copy is removed like any
 * field that claims an identity.
 *
 * @module
 */
import type { Secret } from '../core/secret.ts';
import { foldFieldName } from '../wire/field-names.ts';
import { ownField } from '../wire/own-field.ts';
import { type AccountNames, parseAccountName } from './account-name.ts';
import type { Authenticator, Credentials, Outcome, Rejected } from './authenticator.ts';

export interface TrustedHeaderOptions {
  readonly id?: string;
  /** Whether this peer may speak for people. */
  readonly isTrusted: (address: string) => boolean;
  /** The name of the field, as it is written in the configuration. */
  readonly header: string;
  readonly names: AccountNames;
  /** How characters outside ASCII are written in the field. */
  readonly encoding: 'utf-8' | 'percent';
  /** A field in which the peer proves that it is itself, for addresses that others share. */
  readonly secret?: { readonly header: string; readonly value: Secret } | undefined;
  readonly lifetimeMs: number;
  /** Whether a session begins, so that requests which do not come by way of the peer are known as well. */
  readonly beginsSession: boolean;
  /** Whether the person's groups are to be asked of the directory. */
  readonly lookUpGroups?: boolean;
}

/** Longest value that is looked at. */
const maxLength = 512;

/** Names of the fields that no client may send and no app sees: they belong to those that are stripped. */
export const trustedHeaderFields = ({
  header,
  secret,
}: Pick<TrustedHeaderOptions, 'header' | 'secret'>): readonly string[] =>
  secret === undefined ? [header] : [header, secret.header];

/** A trusted header as a sign-in method. */
export function trustedHeader(options: TrustedHeaderOptions): Authenticator {
  const { isTrusted, names, secret, encoding } = options;
  const field = foldFieldName(options.header);
  const proof = secret && foldFieldName(secret.header);
  const id = options.id ?? 'trusted_header';
  return {
    id,
    kind: 'trusted_header',
    // Judged before the session cookie, also when it begins sessions: whom the peer names now is who is there.
    scope: 'request',
    challenge: undefined,
    ownFields: trustedHeaderFields(options).map((name) => name.toLowerCase()),

    authenticate({ fields, connection, now }: Credentials): Outcome {
      if (!isTrusted(connection.remoteAddress)) return absent;
      const named = ownField(fields, field);
      if (named.kind === 'ambiguous')
        return rejected(
          'trusted-header-repeated',
          `there is more than one ${options.header} field, or a misspelled one`,
        );
      // IIS sends an empty one when nobody has signed in.
      if (named.kind === 'none' || named.value === '') return absent;
      if (secret !== undefined && proof !== undefined) {
        const shown = ownField(fields, proof);
        if (shown.kind !== 'one' || !secret.value.equals(shown.value))
          return rejected(
            'trusted-header-secret',
            `${secret.header} is missing or wrong: did the request come from the proxy?`,
          );
      }
      const text = named.value.length > maxLength ? undefined : decoded(named.value, encoding);
      const name = text === undefined ? undefined : parseAccountName(text, names);
      if (name === undefined)
        return rejected('trusted-header-unreadable', `${options.header} names no account in a form that is known`);
      const identity = {
        subject: `trusted_header:${name.key}`,
        account: name.account,
        upn: name.upn,
        name: undefined,
        email: undefined,
        sids: [],
        groups: [],
        method: 'trusted_header',
        authenticatedAt: now,
        expiresAt: now + options.lifetimeMs,
      };
      return {
        kind: 'accepted',
        identity,
        lookUpGroups: options.lookUpGroups,
        beginsSession: options.beginsSession,
        reuse: options.beginsSession ? undefined : { key: `${id} ${named.value}`, until: now + reuseMs },
      };
    },
  };
}

/** So long is what the directory says about somebody kept without asking it again. */
const reuseMs = 60_000;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The engine gives each byte as one character. */
function decoded(value: string, encoding: 'utf-8' | 'percent'): string | undefined {
  try {
    if (encoding === 'utf-8') return utf8.decode(Buffer.from(value, 'latin1'));
    return /^[\x20-\x7e]*$/.test(value) ? decodeURIComponent(value) : undefined;
  } catch {
    return undefined;
  }
}

const absent: Outcome = { kind: 'absent' };
const rejected = (reason: string, detail: string): Rejected => ({ kind: 'rejected', reason, detail });
