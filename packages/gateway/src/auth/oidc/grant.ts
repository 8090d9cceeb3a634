/**
 * What is kept on the server beside a session from a provider: the refresh token, and the ID token for signing out there.
 * Sealed, and with the session's store alone, so that no browser ever has it.
 *
 * @module
 */
import type { Sealer } from '../../ports/sealer.ts';
import { PackedError, PackedReader, PackedWriter } from '../packed.ts';

export interface Grant {
  readonly refreshToken: string | undefined;
  /** `id_token_hint`; left out when it is too long for a URL. */
  readonly idToken: string | undefined;
  /** Of the sign-in: a later ID token has the same one, if any. */
  readonly nonce: string;
  /** `sub`, which is not always what our subject is made of. */
  readonly subject: string;
}

const form = 1;
const maxIdTokenLength = 4_096;

/** For `StoredSession.refresh`. */
export function sealGrant(sealer: Sealer, { refreshToken, idToken, nonce, subject }: Grant): Uint8Array {
  const packed = new PackedWriter();
  packed.number(form);
  packed.optionalText(refreshToken);
  packed.optionalText(idToken === undefined || idToken.length > maxIdTokenLength ? undefined : idToken);
  packed.text(nonce);
  packed.text(subject);
  return Buffer.from(sealer.seal(packed.end()));
}

/** `undefined` for anything else, and for what was sealed with keys that are gone. */
export function openGrant(sealer: Sealer, sealed: Uint8Array): Grant | undefined {
  const bytes = sealer.open(Buffer.from(sealed).toString('latin1'));
  if (bytes === undefined) return undefined;
  try {
    const packed = new PackedReader(bytes);
    if (packed.number() !== form) return undefined;
    const refreshToken = packed.optionalText();
    const idToken = packed.optionalText();
    const nonce = packed.text();
    const subject = packed.text();
    packed.end();
    return { refreshToken, idToken, nonce, subject };
  } catch (error) {
    if (error instanceof PackedError) return undefined; // of another version of Cardea
    throw error;
  }
}
