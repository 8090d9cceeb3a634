import type { SigningAlgorithm } from '../../tokens/signing-key.ts';
import type { Endpoint } from './endpoint.ts';

/**
 * `GET /.well-known/openid-configuration` and `/.well-known/oauth-authorization-server` (OpenID Connect Discovery 1.0, 3; RFC 8414, 2) on the
 * issuer's own host: where its keys are. There is no flow of OpenID Connect here, and so no authorization endpoint.
 */
export function tokenMetadata(options: {
  readonly issuer: string;
  readonly algorithms: () => readonly SigningAlgorithm[];
  readonly scopes: readonly string[];
}): readonly Endpoint[] {
  const { issuer, algorithms, scopes } = options;
  const paths = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];
  return paths.map((path) => ({
    path,
    host: new URL(issuer).hostname,
    methods: ['GET'],
    signIn: 'never',
    async handle() {
      const metadata = {
        issuer,
        jwks_uri: `${issuer}/.well-known/jwks.json`,
        token_endpoint: `${issuer}/desktop/token`,
        response_types_supported: [],
        grant_types_supported: [],
        subject_types_supported: ['public'],
        token_endpoint_auth_methods_supported: ['none'],
        // A required member that is about ID tokens, which there are none of; readers look here for the algorithm.
        id_token_signing_alg_values_supported: algorithms(),
        scopes_supported: scopes,
        claims_supported: [
          'iss',
          'aud',
          'sub',
          'client_id',
          'groups',
          'roles',
          'scope',
          'upn',
          'iat',
          'exp',
          'jti',
          'auth_time',
        ],
      };
      return Response.json(metadata, { headers: { 'Cache-Control': 'public, max-age=300' } });
    },
  }));
}
