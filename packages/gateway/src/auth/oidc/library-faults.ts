/**
 * What the OpenID Connect library throws, as reasons of ours. Its errors hold tokens and claims in their causes: only codes
 * and the names of claims are taken from them.
 *
 * @module
 */
import * as client from 'openid-client';
import { OutboundError } from './outbound.ts';
import { type OidcReason, ProviderUnavailable, quotable, type Refused, refused } from './refusal.ts';
import { badAlgorithm, isObject } from './token.ts';

/** The library's code and the claim that it does not like. */
const byClaim: Readonly<Record<string, OidcReason>> = {
  iss: 'token-issuer',
  aud: 'token-audience',
  azp: 'token-authorized-party',
  nonce: 'token-nonce',
  sub: 'token-subject',
  exp: 'token-expired',
  nbf: 'token-not-yet-valid',
  auth_time: 'authentication-too-old',
};

/** A refusal, when the provider or its token is to be refused; throws `ProviderUnavailable` when it could not be asked, or what it was given. */
export function libraryFault(error: unknown): Refused {
  const chain = causes(error);
  const outbound = chain.find((one) => one instanceof OutboundError);
  if (outbound !== undefined) throw new ProviderUnavailable(outbound.message, 5_000, { cause: outbound });
  if (error instanceof client.ResponseBodyError) return tokenEndpointFault(error);
  if (error instanceof client.WWWAuthenticateChallengeError)
    return refused('client-refused', `the token endpoint does not accept the client (status ${error.status})`);
  if (!(error instanceof client.ClientError) && !(error instanceof TypeError)) throw error;

  const details = chain.map((one) => one.cause).filter(isObject);
  const claim = details.map((detail) => detail['claim']).find((name) => typeof name === 'string');
  const reason = claim === undefined ? undefined : byClaim[claim];
  if (reason !== undefined) return refused(reason, `its ${String(claim)} is not right`);
  const words = quotable(chain.at(-1)?.message ?? '');
  const header = details.map((detail) => detail['header']).find(isObject);
  if (header !== undefined && words.includes('"alg"')) return badAlgorithm(header['alg']);
  if (words.startsWith('JWE')) return refused('token-encrypted', words);
  if (chain.some((one) => 'code' in one && one.code === 'OAUTH_RESPONSE_IS_NOT_CONFORM'))
    throw new ProviderUnavailable(`The provider's answer is not one: ${words}`, 5_000);
  return refused(/\bJWT\b|ID Token/.test(words) ? 'token-malformed' : 'token-response-malformed', words);
}

/** RFC 6749, 5.2. */
function tokenEndpointFault({ error, error_description: description, status }: client.ResponseBodyError): Refused {
  const detail = `the token endpoint says "${quotable(error)}"${description === undefined ? '' : `: ${quotable(description)}`}`;
  if (status >= 500) throw new ProviderUnavailable(detail, 5_000);
  if (error === 'invalid_grant') return refused('code-refused', detail);
  if (error === 'invalid_client' || error === 'unauthorized_client') return refused('client-refused', detail);
  return refused('provider-error', detail);
}

function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let at = error; at instanceof Error && chain.length < 6; at = at.cause) chain.push(at);
  return chain;
}
