import type { NegotiateAnswer } from './negotiate.ts';
import type { KeptToken } from './token-cache.ts';
import { TokenError } from './token-error.ts';

/** Longer ones do not fit into a header field of most servers. */
const longestToken = 64 * 1024;

/** The token in an issuer's answer (RFC 6749, 5.1). Throws `TokenError` with what the issuer says otherwise (5.2). */
export function readAnswer({ status, body, retryAfter }: NegotiateAnswer, now: number): KeptToken {
  const parameters = parametersOf(body);
  if (status !== 200) throw refusal(status, parameters, retryAfter);
  const [value, type, seconds] = ['access_token', 'token_type', 'expires_in'].map((name) => parameters.get(name));
  // RFC 6750, 2.1: what may stand in an Authorization field.
  if (typeof value !== 'string' || value.length > longestToken || !/^[A-Za-z0-9\-._~+/]+=*$/.test(value))
    throw new TokenError('bad-answer', 'the answer of the issuer has no access_token; check the address');
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    throw new TokenError('bad-answer', 'the answer of the issuer has a token_type that is not Bearer');
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds <= 0)
    throw new TokenError('bad-answer', 'the answer of the issuer does not say how long the token is good (expires_in)');
  return { value, receivedAt: now, expiresAt: now + seconds * 1_000 };
}

function refusal(status: number, parameters: ReadonlyMap<string, unknown>, retryAfter: string | undefined): TokenError {
  const [error, description, requestId] = ['error', 'error_description', 'request_id'].map((name) =>
    printable(parameters.get(name)),
  );
  const seconds = /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined;
  const details = {
    status,
    ...(error === undefined ? {} : { error }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(seconds === undefined ? {} : { retryAfterMs: seconds * 1_000 }),
  };
  const said = `${status}${error === undefined ? '' : ` ${error}`}${description === undefined ? '' : `: ${description}`}`;
  const where = requestId === undefined ? '' : `; request ${requestId} in its audit log`;
  if (status === 429 || status >= 500)
    return new TokenError('issuer-unavailable', `the issuer cannot give one now (${said}${where})`, details);
  if (status >= 300 && status < 400)
    return new TokenError('bad-answer', `the issuer sends us elsewhere (${status}): check the address`, details);
  if (error === undefined && status === 404)
    return new TokenError('bad-answer', 'nothing gives tokens at this address (404): check it', details);
  if (status === 401)
    return new TokenError('issuer-refused', `the issuer does not take the sign-in (${said}${where})`, details);
  return new TokenError('issuer-refused', `the issuer refuses (${said}${where})`, details);
}

/** For people's eyes: what an issuer says must not move their terminal's cursor. */
function printable(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return value.slice(0, 300).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ');
}

function parametersOf(body: string): ReadonlyMap<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null) return new Map(Object.entries(value));
  } catch {
    // No JSON: nothing in it is for us.
  }
  return new Map();
}
