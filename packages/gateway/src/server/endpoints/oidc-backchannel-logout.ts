import { createHash } from 'node:crypto';
import { ProviderUnavailable, type Refused, refused } from '../../auth/oidc/refusal.ts';
import type { LogoutToken } from '../../auth/oidc/token-claims.ts';
import type { OidcProvider } from '../../auth/oidc/provider.ts';
import type { ReplayCache } from '../../ports/replay-cache.ts';
import { providerSessionKey } from '../../ports/revocations.ts';
import type { Endpoint } from './endpoint.ts';

/** What a logout token ends: one session at the provider, or everything of a person. */
export interface ProviderRevocation {
  readonly kind: 'provider-session' | 'person';
  readonly key: string;
  readonly reason: string;
}

export interface OidcBackchannelLogoutParts {
  readonly provider: Pick<OidcProvider, 'id' | 'readLogoutToken' | 'subjectOf'>;
  /** Each logout token is good once. */
  readonly claims: Pick<ReplayCache, 'claim'>;
  readonly revoke: (entry: ProviderRevocation) => Promise<unknown>;
}

/** A logout token is remembered for as long as it could pass again: its own expiry, and the leeway. */
const leewayMs = 2 * 60_000;
/** ... and the oldest that passes is this old, so that a far expiry does not fill the memory. */
const longestMemoryMs = 15 * 60_000;

/** `POST /auth/backchannel-logout/:provider`: the provider itself ends sessions (OpenID Connect Back-Channel Logout 1.0, 2.5). */
export function oidcBackchannelLogout(parts: OidcBackchannelLogoutParts): Endpoint {
  const { provider } = parts;
  return {
    path: `/backchannel-logout/${provider.id}`,
    methods: ['POST'],
    signIn: 'never',
    async handle(request, { context, record }) {
      const { now } = context;
      const tokens = new URLSearchParams(await request.text()).getAll('logout_token');
      const [token, ...more] = tokens;
      try {
        const outcome =
          token === undefined || more.length > 0
            ? refused('token-missing', 'there is not exactly one logout_token')
            : await accepted(parts, token, now);
        if (outcome.kind === 'refused') {
          const { reason, detail } = outcome;
          record({ kind: 'provider-logout-refused', provider: provider.id, reason, detail });
          return answer(400, { error: 'invalid_request' });
        }
        const entry = revocationOf(parts, outcome);
        if (entry === undefined) {
          const detail = 'it names a person by a subject that accounts are not made of, and no session';
          record({ kind: 'provider-logout-refused', provider: provider.id, reason: 'token-subject', detail });
          return answer(400, { error: 'invalid_request' });
        }
        await parts.revoke(entry);
        record({ kind: 'provider-logout', provider: provider.id, ended: entry.kind, key: entry.key });
        return answer(200);
      } catch (error) {
        // Nothing was ended for certain, and the provider should know.
        const detail = error instanceof Error ? error.message : 'unknown error';
        record({ kind: 'provider-logout-refused', provider: provider.id, reason: 'unavailable', detail });
        const seconds = error instanceof ProviderUnavailable ? Math.ceil(error.retryAfterMs / 1000) : 5;
        return answer(503, { error: 'temporarily_unavailable' }, { 'Retry-After': String(seconds) });
      }
    },
  };
}

async function accepted(
  { provider, claims }: OidcBackchannelLogoutParts,
  text: string,
  now: number,
): Promise<LogoutToken | Refused> {
  const token = await provider.readLogoutToken(text, now);
  if (token.kind === 'refused') return token;
  const key = createHash('sha256')
    .update(JSON.stringify([token.issuer, token.tokenId]))
    .digest('base64url');
  const until = Math.min(token.expiresAt, now + longestMemoryMs) + leewayMs;
  return (await claims.claim(`oidc-logout:${key}`, until))
    ? token
    : refused('token-used', 'this logout token has been used before');
}

/** The session, when the token names one; else everything of the person. */
function revocationOf({ provider }: OidcBackchannelLogoutParts, token: LogoutToken): ProviderRevocation | undefined {
  const reason = 'backchannel-logout';
  if (token.sessionId !== undefined)
    return { kind: 'provider-session', key: providerSessionKey(provider.id, token.sessionId), reason };
  const subject = provider.subjectOf(token);
  return subject === undefined ? undefined : { kind: 'person', key: subject, reason };
}

function answer(status: number, body?: object, fields: Readonly<Record<string, string>> = {}): Response {
  const headers = { 'Cache-Control': 'no-store', ...fields };
  return body === undefined ? new Response(null, { status, headers }) : Response.json(body, { status, headers });
}
