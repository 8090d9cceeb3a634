/**
 * What we must remember while somebody is at the provider: one sealed cookie for each sign-in under way, named after its
 * `state`, so that several tabs do not take each other's away. A cookie of this kind is sealed for this purpose alone and
 * is worth nothing as a session.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Sealer } from '../../ports/sealer.ts';
import { setCookie } from '../../wire/cookies.ts';
import { type Fields, fieldValues } from '../../wire/fields.ts';
import { PackedError, PackedReader, PackedWriter } from '../packed.ts';

/** One sign-in under way. */
export interface Transaction {
  /** 256 random bits; comes back with the answer (RFC 6749, 10.12). */
  readonly state: string;
  /** 256 random bits; comes back inside the ID token. */
  readonly nonce: string;
  /** PKCE (RFC 7636). */
  readonly verifier: string;
  /** The id of the provider's entry. */
  readonly provider: string;
  readonly redirectUri: string;
  /** A path on this site, sanitised. */
  readonly returnTo: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The provider was told to ask the person nothing (`prompt=none`). */
  readonly silent: boolean;
  /** Seconds; what the sign-in was asked to fulfil. */
  readonly maxAge: number | undefined;
  readonly acrValues: readonly string[];
}

/** How long somebody may take at the provider. */
export const transactionMs = 10 * 60_000;

/** Together the cookies must leave room for the session's: browsers send 4 KB each, servers take 16 to 32 KB in all. */
const maxTransactions = 8;
const maxTogether = 7_000;
/** A longer return path would crowd out the other tabs. */
const maxReturnPath = 1_500;
const form = 1;

/** The cookie's name without its state: whatever begins like this is ours, and no app gets to see or set it. */
export const transactionCookiePrefix = (secure: boolean): string => (secure ? '__Host-cardea-tx-' : 'cardea-tx-');

/** Whether a cookie holds a transaction, by its name, with TLS or without. */
export const isTransactionCookie = (name: string): boolean =>
  name.startsWith(transactionCookiePrefix(true)) || name.startsWith(transactionCookiePrefix(false));

const cookieName = (state: string, secure: boolean): string =>
  transactionCookiePrefix(secure) + createHash('sha256').update(state).digest('hex').slice(0, 16);

/** 256 random bits that are safe in a URL. */
export const randomText = (): string => randomBytes(32).toString('base64url');

/** `Set-Cookie` fields that keep a transaction, and remove older ones for which there would be no room. */
export function keepTransaction(
  sealer: Sealer,
  transaction: Transaction,
  fields: Fields,
  secure: boolean,
  now: number,
): Fields {
  const returnTo = transaction.returnTo.length > maxReturnPath ? '/' : transaction.returnTo;
  const value = sealer.seal(pack({ ...transaction, returnTo }));
  const name = cookieName(transaction.state, secure);
  const kept: string[] = ['Set-Cookie', cookie(name, value, secure, transactionMs / 1000)];
  const others = underWay(fields, secure).map((found) => ({ ...found, opened: open(sealer, found.value, now) }));
  // Newest first; what cannot be opened any more comes last and goes.
  others.sort((a, b) => (b.opened?.startedAt ?? 0) - (a.opened?.startedAt ?? 0));
  let together = value.length;
  for (const [i, other] of others.entries()) {
    together += other.value.length;
    if (other.opened === undefined || i + 1 >= maxTransactions || together > maxTogether)
      kept.push('Set-Cookie', cookie(other.name, '', secure, 0));
  }
  return kept;
}

/** The `Set-Cookie` field that removes a transaction. */
export const dropTransaction = (state: string, secure: boolean): Fields => [
  'Set-Cookie',
  cookie(cookieName(state, secure), '', secure, 0),
];

export type FoundTransaction =
  | { readonly kind: 'ok'; readonly transaction: Transaction }
  | { readonly kind: 'missing' | 'expired' };

/** The transaction of an answer from the provider. */
export function findTransaction(
  sealer: Sealer,
  state: string,
  fields: Fields,
  secure: boolean,
  now: number,
): FoundTransaction {
  const name = cookieName(state, secure);
  const found = underWay(fields, secure).filter((one) => one.name === name);
  const [first] = found;
  // Twice the same name: one of them was planted.
  if (first === undefined || found.length > 1) return { kind: 'missing' };
  const bytes = sealer.open(first.value);
  const transaction = bytes === undefined ? undefined : unpack(bytes);
  if (transaction === undefined || transaction.state !== state) return { kind: 'missing' };
  return isExpired(transaction, now) ? { kind: 'expired' } : { kind: 'ok', transaction };
}

const isExpired = ({ startedAt }: Transaction, now: number): boolean => now >= startedAt + transactionMs;

function open(sealer: Sealer, value: string, now: number): Transaction | undefined {
  const bytes = sealer.open(value);
  const transaction = bytes === undefined ? undefined : unpack(bytes);
  return transaction === undefined || isExpired(transaction, now) ? undefined : transaction;
}

/** Every transaction cookie of a request; 64 at most, more are no browser's of ours. */
function underWay(fields: Fields, secure: boolean): { readonly name: string; readonly value: string }[] {
  const prefix = transactionCookiePrefix(secure);
  return fieldValues(fields, 'cookie')
    .flatMap((header) => header.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(prefix))
    .flatMap((pair) => {
      const [, name, value] = /^([a-z_A-Z-]+[0-9a-f]{16})=([A-Za-z0-9_-]*)$/.exec(pair) ?? [];
      return name === undefined || value === undefined ? [] : [{ name, value }];
    })
    .slice(0, 64);
}

const cookie = (name: string, value: string, secure: boolean, maxAge: number): string =>
  // Lax: it must come along when the provider sends the browser back with GET.
  setCookie({ name, value, secure, httpOnly: true, sameSite: 'lax', path: '/', maxAge });

function pack(transaction: Transaction): Uint8Array {
  const packed = new PackedWriter();
  packed.number(form);
  packed.text(transaction.state);
  packed.text(transaction.nonce);
  packed.text(transaction.verifier);
  packed.text(transaction.provider);
  packed.text(transaction.redirectUri);
  packed.text(transaction.returnTo);
  packed.number(transaction.startedAt);
  packed.number(transaction.silent ? 1 : 0);
  packed.optionalText(transaction.maxAge === undefined ? undefined : String(transaction.maxAge));
  packed.list(transaction.acrValues, (value) => packed.text(value));
  return packed.end();
}

function unpack(bytes: Uint8Array): Transaction | undefined {
  try {
    const packed = new PackedReader(bytes);
    if (packed.number() !== form) return undefined;
    const state = packed.text();
    const nonce = packed.text();
    const verifier = packed.text();
    const provider = packed.text();
    const redirectUri = packed.text();
    const returnTo = packed.text();
    const startedAt = packed.number();
    const silent = packed.number() === 1;
    const maxAgeText = packed.optionalText();
    const acrValues = packed.list(() => packed.text());
    packed.end();
    const maxAge = maxAgeText === undefined ? undefined : Number(maxAgeText);
    return { state, nonce, verifier, provider, redirectUri, returnTo, startedAt, silent, maxAge, acrValues };
  } catch (error) {
    if (error instanceof PackedError) return undefined; // of another version of Cardea
    throw error;
  }
}
