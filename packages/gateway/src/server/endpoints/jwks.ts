import type { KeyRing } from '../../tokens/key-ring.ts';
import type { Endpoint } from './endpoint.ts';

/** `GET /.well-known/jwks.json`: the public keys that apps verify `X-Cardea-Assertion` with (RFC 7517, 5). */
export function jwks(ring: KeyRing): Endpoint {
  return {
    path: '/.well-known/jwks.json',
    methods: ['GET'],
    signIn: 'never',
    async handle() {
      // Five minutes: short enough for a rotation to be noticed before the first assertion with the new key matters.
      return Response.json(ring.jwks(), { headers: { 'Cache-Control': 'public, max-age=300' } });
    },
  };
}
