import type { KeyRing } from '../../tokens/key-ring.ts';
import { keySetMaxAgeMs, type SigningRing } from '../../tokens/signing-ring.ts';
import type { Endpoint } from './endpoint.ts';

/**
 * `GET /.well-known/jwks.json` (RFC 7517, 5): the public keys that apps verify `X-Cardea-Assertion` with, and those of the issuer's
 * tokens, if there is an issuer. No two have the same `kid`.
 */
export function jwks(ring: KeyRing, signing?: SigningRing): Endpoint {
  return {
    path: '/.well-known/jwks.json',
    methods: ['GET'],
    signIn: 'never',
    async handle() {
      // Five minutes: short enough for a rotation to be noticed before the first assertion with the new key matters.
      const keys = [...ring.jwks().keys, ...(signing?.jwks() ?? [])];
      return Response.json({ keys }, { headers: { 'Cache-Control': `public, max-age=${keySetMaxAgeMs / 1_000}` } });
    },
  };
}
