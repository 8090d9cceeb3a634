import { createHash } from 'node:crypto';
import { stateOf } from '../../auth/oidc/authorization-response.ts';
import { AccountBarred } from '../../auth/memberships.ts';
import { sealGrant } from '../../auth/oidc/grant.ts';
import type { SignedIn } from '../../auth/oidc/provider.ts';
import { type Refused, refused } from '../../auth/oidc/refusal.ts';
import { dropTransaction, findTransaction, type Transaction, transactionMs } from '../../auth/oidc/transaction.ts';
import type { ReplayCache } from '../../ports/replay-cache.ts';
import { StoreUnavailable } from '../../ports/store-unavailable.ts';
import type { Sealer } from '../../ports/sealer.ts';
import type { Fields } from '../../wire/fields.ts';
import { returnPath } from '../../wire/return-path.ts';
import type { Live } from '../live.ts';
import { signedInPage } from '../pages/pages.ts';
import { pageReply, redirectReply, toResponse } from '../replies.ts';
import type { Endpoint, EndpointContext } from './endpoint.ts';
import { callbackUri, oidcLoginPath, type OidcParts, providerDown, startSignIn } from './oidc-login.ts';
import { cancelledPage, notSignedInPage, notWelcomePage } from './oidc-pages.ts';

export interface OidcCallbackParts extends OidcParts {
  /** Each `state` is good once. */
  readonly claims: Pick<ReplayCache, 'claim'>;
  /** Of the session cookie: with `strict` a browser that another site has sent here would not send it on. */
  readonly sameSite: 'lax' | 'strict' | 'none';
  /** For what is kept on the server beside the session; `keep` puts it there. */
  readonly grants: Sealer;
  readonly keep: (live: Live, grant: Uint8Array) => void | Promise<void>;
}

/** `GET /auth/callback/:provider`: takes the provider's answer and begins a session. */
export function oidcCallback(parts: OidcCallbackParts): Endpoint {
  return {
    path: `/callback/${parts.provider.id}`,
    methods: ['GET'],
    signIn: 'never',
    async handle(request, about) {
      const { searchParams } = new URL(request.url);
      const { context } = about;
      const secure = context.proto === 'https';
      const state = stateOf(searchParams);
      if (state === undefined) return notSignedIn(parts, about, '/', refused('response-malformed', 'it has no state'));
      const found = findTransaction(parts.transactions, state, context.fields, secure, context.now);
      const drop = dropTransaction(state, secure);
      if (found.kind !== 'ok') {
        const reason = found.kind === 'expired' ? 'transaction-expired' : 'transaction-missing';
        return notSignedIn(parts, about, '/', refused(reason, 'this browser has no such sign-in under way'), drop);
      }
      const { transaction } = found;
      const returnTo = returnPath(transaction.returnTo);
      try {
        const outcome = await finish(parts, about, searchParams, transaction);
        if (outcome.kind === 'signed-in') return await signedIn(parts, about, outcome, returnTo, drop);
        if (outcome.reason === 'login-required' && transaction.silent)
          return await startSignIn(parts, about, { ...transaction, returnTo, silent: false }, drop);
        return notSignedIn(parts, about, returnTo, outcome, drop);
      } catch (error) {
        // About the account, or about us: the provider has done its part.
        if (error instanceof AccountBarred || error instanceof StoreUnavailable || !(error instanceof Error))
          throw error;
        return providerDown(parts, about, returnTo, error, drop);
      }
    },
  };
}

async function finish(
  parts: OidcCallbackParts,
  { context }: EndpointContext,
  parameters: URLSearchParams,
  transaction: Transaction,
): Promise<SignedIn | Refused> {
  const { provider, state, redirectUri, startedAt } = transaction;
  // An answer at the address of one provider for a question to another: a mix-up.
  if (provider !== parts.provider.id)
    return refused('transaction-of-another-provider', `the sign-in under way is with "${provider}"`);
  if (redirectUri !== callbackUri(parts, context))
    return refused('redirect-uri-differs', 'the sign-in began under another address');
  const key = createHash('sha256').update(state).digest('base64url');
  if (!(await parts.claims.claim(`oidc-state:${key}`, startedAt + transactionMs)))
    return refused('transaction-used', 'this answer has been taken before');
  return parts.provider.finish(parameters, transaction, context.address, context.now);
}

async function signedIn(
  parts: OidcCallbackParts,
  { context, begin, record }: EndpointContext,
  { identity, lookUpGroups, note, providerSession, grant }: SignedIn,
  returnTo: string,
  drop: Fields,
): Promise<Response> {
  const { live, cookies } = await begin(
    identity,
    { provider: parts.provider.id, providerSession, lookUpGroups },
    returnTo,
  );
  const notes = [note, live.note].filter((text) => text !== undefined);
  record({ kind: 'sign-in', method: 'oidc', note: notes.length === 0 ? undefined : notes.join('; ') }, live);
  if (grant !== undefined) await parts.keep(live, sealGrant(parts.grants, grant));
  const fields = [...cookies, ...drop];
  if (parts.sameSite !== 'strict') return toResponse(redirectReply(returnTo, fields));
  // A page of ours in between: what follows from it is not the other site's doing any more.
  return toResponse(pageReply(200, signedInPage(context, returnTo), ['Refresh', `0; url=${returnTo}`, ...fields]));
}

/** The same calm page for every refusal that an attacker could cause. */
function notSignedIn(
  parts: OidcCallbackParts,
  { context, record }: EndpointContext,
  returnTo: string,
  { reason, detail }: Refused,
  drop: Fields = [],
): Response {
  record({ kind: 'sign-in-failed', method: 'oidc', reason, detail: `${parts.provider.id}: ${detail}` });
  const view = {
    provider: parts.provider.name,
    again: oidcLoginPath(parts, returnTo),
    requestId: context.requestId,
  };
  const body =
    reason === 'access-denied'
      ? cancelledPage(context, view)
      : reason === 'group-not-allowed'
        ? notWelcomePage(context, view)
        : notSignedInPage(context, view);
  return toResponse(pageReply(403, body, drop));
}
