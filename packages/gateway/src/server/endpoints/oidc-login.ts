import type { OidcProvider, StartRequest } from '../../auth/oidc/provider.ts';
import { ProviderUnavailable } from '../../auth/oidc/refusal.ts';
import { keepTransaction } from '../../auth/oidc/transaction.ts';
import type { Sealer } from '../../ports/sealer.ts';
import type { Fields } from '../../wire/fields.ts';
import { returnPath } from '../../wire/return-path.ts';
import { pageReply, redirectReply, toResponse } from '../replies.ts';
import type { RequestContext } from '../request-context.ts';
import type { Endpoint, EndpointContext } from './endpoint.ts';
import { providerDownPage } from './oidc-pages.ts';

/** What all endpoints of one provider need. */
export interface OidcParts {
  readonly prefix: string;
  readonly provider: OidcProvider;
  /** Of the purpose `transaction`. */
  readonly transactions: Sealer;
}

/** Where the provider sends browsers back to, on the host that was asked. One for each provider, so that answers cannot be mixed up. */
export const callbackUri = ({ prefix, provider }: OidcParts, { origin }: RequestContext): string =>
  `${origin}${prefix}/callback/${provider.id}`;

/** Where signing in with a provider begins. */
export const oidcLoginPath = ({ prefix, provider }: OidcParts, returnTo: string): string =>
  `${prefix}/login/${provider.id}?return=${encodeURIComponent(returnTo)}`;

/**
 * `GET /auth/login/:provider`: sends the browser to the provider. `?silent=1` asks the provider not to ask the person
 * anything first; when that is not possible, it is asked again in the usual way. With `?again=1` it has to ask.
 */
export function oidcLogin(parts: OidcParts): Endpoint {
  return {
    path: `/login/${parts.provider.id}`,
    methods: ['GET'],
    signIn: 'never',
    async handle(request, about) {
      const { searchParams } = new URL(request.url);
      const returnTo = returnPath(searchParams.get('return'));
      // Step-up: the provider has to ask the person again, or have done so just now.
      const maxAge = searchParams.get('again') === '1' ? 0 : undefined;
      return startSignIn(parts, about, { returnTo, silent: searchParams.get('silent') === '1', maxAge });
    },
  };
}

/** The redirect to the provider, or the page that says that it is down. For step-up, `request` says what has to be fulfilled. */
export async function startSignIn(
  parts: OidcParts,
  about: EndpointContext,
  request: Omit<StartRequest, 'redirectUri'>,
  extra: Fields = [],
): Promise<Response> {
  const { context } = about;
  const { fields, now } = context;
  const secure = context.proto === 'https';
  try {
    const redirectUri = callbackUri(parts, context);
    const { location, transaction } = await parts.provider.start({ ...request, redirectUri }, now);
    const cookies = keepTransaction(parts.transactions, transaction, fields, secure, now);
    return toResponse(redirectReply(location, [...cookies, ...extra]));
  } catch (error) {
    if (!(error instanceof ProviderUnavailable)) throw error;
    return providerDown(parts, about, request.returnTo, error, extra);
  }
}

/** 503, with the reason for the administrator alone. */
export function providerDown(
  parts: OidcParts,
  { context, record }: EndpointContext,
  returnTo: string,
  error: Error,
  extra: Fields = [],
): Response {
  record({
    kind: 'sign-in-failed',
    method: 'oidc',
    reason: 'unavailable',
    detail: `${parts.provider.id}: ${error.message}`,
  });
  const retryAfterMs = error instanceof ProviderUnavailable ? error.retryAfterMs : 5_000;
  const body = providerDownPage(context, {
    provider: parts.provider.name,
    again: oidcLoginPath(parts, returnTo),
    requestId: context.requestId,
  });
  const retryAfter = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return toResponse(pageReply(503, body, ['Retry-After', retryAfter, ...extra]));
}
