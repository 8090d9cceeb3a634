/**
 * Tokens that a provider has signed (JWS, RFC 7515; JWT, RFC 7519): read, and the signature verified with the provider's
 * keys. The algorithms are pinned: neither the token nor the provider's metadata has a say in them.
 *
 * @module
 */
import { compactVerify, decodeProtectedHeader, errors } from 'jose';
import type { ProviderKeys } from './provider-keys.ts';
import { quotable, type Refused, refused } from './refusal.ts';

/** RFC 7518, 3.1 and RFC 8037, 3.1 (RFC 9864 calls the last one Ed25519). Never `none`, and nothing with a shared secret. */
export const signatureAlgorithms = ['RS256', 'ES256', 'PS256', 'EdDSA', 'Ed25519'] as const;

/** The claims of a token whose signature has been verified. */
export type Claims = Readonly<Record<string, unknown>>;

export type VerifiedToken =
  | { readonly kind: 'ok'; readonly claims: Claims; readonly algorithm: string; readonly type: string | undefined }
  | Refused;

const maxTokenLength = 64 * 1024;

/**
 * The claims of a token with a good signature. When its key is not known, the provider's keys are fetched once more.
 * Throws `ProviderUnavailable` when the keys cannot be had.
 */
export async function verifyToken(token: string, keys: ProviderKeys, now: number): Promise<VerifiedToken> {
  if (token.length > maxTokenLength) return refused('token-malformed', 'it is longer than 64 KiB');
  const parts = token.split('.').length;
  if (parts === 5) return refused('token-encrypted', 'encrypted tokens are not supported');
  if (parts !== 3) return refused('token-malformed', `it has ${parts} parts`);
  const header = headerOf(token);
  if (header === undefined) return refused('token-malformed', 'its header cannot be read');
  const { alg, typ } = header;
  if (typeof alg !== 'string') return refused('token-malformed', 'its header names no algorithm');
  if (!signatureAlgorithms.some((allowed) => allowed === alg)) return badAlgorithm(alg);

  const verified = await keys.tryEach(header, now, (key) =>
    compactVerify(token, key, { algorithms: [...signatureAlgorithms] }),
  );
  if (verified.kind === 'no-key') return refused('token-key-unknown', 'the provider has no such key');
  if (verified.kind === 'failed') return fault(verified.error);
  const claims = objectOf(verified.value.payload);
  if (claims === undefined) return refused('token-malformed', 'its claims are not a JSON object');
  return { kind: 'ok', claims, algorithm: alg, type: typeof typ === 'string' ? typ.toLowerCase() : undefined };
}

/** Why an algorithm is not taken. */
export function badAlgorithm(algorithm: unknown): Refused {
  const name = String(algorithm);
  return /^none$/i.test(name)
    ? refused('token-unsigned', 'its algorithm is "none"')
    : refused('token-algorithm', `its algorithm is "${quotable(name)}"`);
}

function headerOf(token: string): ReturnType<typeof decodeProtectedHeader> | undefined {
  try {
    return decodeProtectedHeader(token);
  } catch {
    return undefined; // jose tells by throwing
  }
}

function fault(error: unknown): Refused {
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return refused('token-signature', "its signature is not the provider's");
  if (error instanceof errors.JOSEError) return refused('token-malformed', `it cannot be verified (${error.code})`);
  // RSA below 2048 bits, a point that is not on its curve: node:crypto and jose have several ways to say so.
  return refused('token-key-unknown', "the provider's key for it cannot be used");
}

function objectOf(payload: Uint8Array): Claims | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a JSON value is an object, and not an array or null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
