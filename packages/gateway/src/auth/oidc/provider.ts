/**
 * One OpenID Connect provider: sends people to it, takes its answers, asks it again during a session, and understands its
 * logout tokens. The protocol's requests and first checks are those of `openid-client`; whatever is believed in the end has
 * passed `token.ts` and `token-claims.ts` as well.
 *
 * @module
 */
import * as client from 'openid-client';
import type { Identity } from '../../core/identity.ts';
import { networkOf } from '../../wire/cidr.ts';
import { readAuthorizationResponse } from './authorization-response.ts';
import { Discovery, type Discovered, usesLoopbackHttp } from './discovery.ts';
import { ExchangeTurns } from './exchange-turns.ts';
import type { Grant } from './grant.ts';
import { identify, type Identified } from './identify.ts';
import { libraryFault } from './library-faults.ts';
import type { OidcOptions } from './options.ts';
import { openOutbound, type Outbound } from './outbound.ts';
import { type OidcReason, ProviderUnavailable, type Refused, refused } from './refusal.ts';
import { verifyToken } from './token.ts';
import { checkIdToken, checkLogoutToken, type IdToken, type LogoutToken, type Parties } from './token-claims.ts';
import { randomText, type Transaction } from './transaction.ts';

/** What a sign-in is to fulfil, beside what the provider asks of people anyway. */
export interface StartRequest {
  readonly redirectUri: string;
  /** A path on this site, sanitised. */
  readonly returnTo: string;
  /** Do not ask the person anything; the answer may then be `login-required`. */
  readonly silent?: boolean;
  /** For step-up: the person must have proven who he is within so many seconds ... */
  readonly maxAge?: number | undefined;
  /** ... and by one of these means. */
  readonly acrValues?: readonly string[];
  /** A name to fill in. */
  readonly loginHint?: string | undefined;
}

export interface SignedIn extends Identified {
  readonly kind: 'signed-in';
  readonly providerSession: string | undefined;
  /** When and how the person last proved who he is, if the provider says so. */
  readonly authTime: number | undefined;
  readonly acr: string | undefined;
  /** To be kept on the server; `undefined` when there is no use for it. */
  readonly grant: Grant | undefined;
}

export type Renewed =
  | (Identified & { readonly kind: 'renewed'; readonly grant: Grant })
  /** The provider does not stand by this session any more. */
  | Refused;

/** One provider. All methods but `close` throw `ProviderUnavailable` when it cannot be asked. */
export class OidcProvider {
  readonly id: string;
  readonly name: string;
  readonly #options: OidcOptions;
  readonly #outbound: Outbound;
  /** For the token endpoint, by connections of its own: what strangers ask for is not in the way of metadata and keys. */
  readonly #exchanges: Outbound;
  readonly #turns = new ExchangeTurns();
  readonly #discovery: Discovery;

  /** Asks nothing yet: the provider may be down when the gateway starts. */
  constructor(options: OidcOptions, outbound?: Outbound) {
    const groupNames = Object.fromEntries(
      Object.entries(options.groupNames).map(([id, name]) => [id.toLowerCase(), name]),
    );
    this.id = options.id;
    this.name = options.name;
    this.#options = { ...options, groupNames };
    const { ca, proxy, timeoutMs } = options;
    const open = (): Outbound =>
      outbound ?? openOutbound({ ca, proxy, timeoutMs, loopbackHttp: usesLoopbackHttp(options) });
    this.#outbound = open();
    this.#exchanges = open();
    this.#discovery = new Discovery(this.#options, this.#outbound, this.#exchanges);
  }

  /** Where to send the browser, and what to remember until it comes back. */
  async start(
    request: StartRequest,
    now: number,
  ): Promise<{ readonly location: string; readonly transaction: Transaction }> {
    const { configuration } = await this.#discovery.current(now);
    const { redirectUri, returnTo, silent = false, maxAge, acrValues = [], loginHint } = request;
    const transaction: Transaction = {
      state: randomText(),
      nonce: randomText(),
      verifier: client.randomPKCECodeVerifier(),
      provider: this.id,
      redirectUri,
      returnTo,
      startedAt: now,
      silent,
      maxAge,
      acrValues,
    };
    const location = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: this.#options.scopes.join(' '),
      state: transaction.state,
      nonce: transaction.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(transaction.verifier),
      code_challenge_method: 'S256',
      ...(silent ? { prompt: 'none' } : {}),
      ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
      ...(acrValues.length === 0 ? {} : { acr_values: acrValues.join(' ') }),
      ...(loginHint === undefined ? {} : { login_hint: loginHint }),
    });
    return { location: location.href, transaction };
  }

  /** Who came back, from which address. The transaction has been found by its state, and claimed, by the caller. */
  async finish(
    parameters: URLSearchParams,
    transaction: Transaction,
    address: string,
    now: number,
  ): Promise<SignedIn | Refused> {
    const found = await this.#discovery.current(now);
    const response = readAuthorizationResponse(parameters, this.#issuers(found), found.statesIssuer);
    if (response.kind === 'refused') return response;
    // Whoever has one IPv6 address has the 2^64 of its network.
    const exchanged = await this.#turns.run(networkOf(address), () =>
      this.#exchange(found, response.code, transaction),
    );
    if (exchanged.kind === 'refused') return exchanged;
    const { tokens } = exchanged;
    const { maxAge, acrValues } = transaction;
    const token = await this.#idToken(found, tokens, now, {
      nonce: transaction.nonce,
      maxAge,
      acrValues: acrValues.length === 0 ? undefined : acrValues,
    });
    if (token.kind === 'refused') return token;
    const identified = await this.#identify(found, tokens, token, now);
    if (identified.kind === 'refused') return identified;
    const acr = token.claims['acr'];
    return {
      ...identified,
      kind: 'signed-in',
      providerSession: token.sessionId,
      authTime: token.authTime,
      acr: typeof acr === 'string' ? acr : undefined,
      grant: this.#grant(tokens, transaction.nonce, token.subject),
    };
  }

  /**
   * Asks the provider whether it still stands by somebody, and with which claims. The times of the identity stay as they are.
   * Each refresh token is used once: the caller sees to it that nobody else does at the same time.
   */
  async renew(grant: Grant, identity: Identity, now: number): Promise<Renewed> {
    if (grant.refreshToken === undefined) return refused('refresh-refused', 'there is no refresh token');
    const found = await this.#discovery.current(now);
    let tokens: client.TokenEndpointResponse;
    try {
      tokens = await client.refreshTokenGrant(found.configuration, grant.refreshToken);
    } catch (error) {
      const fault = libraryFault(error);
      // A secret that has expired is the administrator's trouble: nobody is signed out for it.
      if (fault.reason === 'client-refused' || fault.reason === 'provider-error')
        throw new ProviderUnavailable(fault.detail, 60_000);
      return fault.reason === 'code-refused' ? refused('refresh-refused', fault.detail) : fault;
    }
    const kept = { ...grant, refreshToken: tokens.refresh_token ?? grant.refreshToken };
    const token = await this.#renewedToken(found, tokens, grant, now);
    // Core, 12.2: there need not be one. The provider stands by the person then, and nothing is new.
    if (token === undefined) {
      const lookUpGroups = this.#options.groupsFrom === 'directory';
      return { kind: 'renewed', identity, lookUpGroups, note: undefined, grant: kept };
    }
    if (token.kind === 'refused') return token;
    const identified = await this.#identify(found, tokens, token, now);
    // Nobody is signed out, or loses groups in the middle of a session, because a third party does not answer.
    if (identified.kind === 'refused' && notNow.has(identified.reason))
      throw new ProviderUnavailable(identified.detail, 60_000);
    if (identified.kind === 'refused') return identified;
    if (identified.note !== undefined) throw new ProviderUnavailable(identified.note, 60_000);
    if (identified.identity.subject !== identity.subject)
      return refused('subject-changed', 'the refresh token is about somebody else');
    const { authenticatedAt, provenAt, expiresAt } = identity;
    return {
      ...identified,
      identity: { ...identified.identity, authenticatedAt, provenAt, expiresAt },
      kind: 'renewed',
      grant: { ...kept, idToken: tokens.id_token ?? grant.idToken },
    };
  }

  /** Where to send the browser to sign out there as well (RP-Initiated Logout 1.0); `undefined` when there is no such place. */
  async logoutUrl(grant: Grant | undefined, returnUri: string, now: number): Promise<string | undefined> {
    if (!this.#options.logoutAtProvider) return undefined;
    const { configuration, endSession } = await this.#discovery.current(now);
    if (!endSession) return undefined;
    return client.buildEndSessionUrl(configuration, {
      post_logout_redirect_uri: returnUri,
      ...(grant?.idToken === undefined ? {} : { id_token_hint: grant.idToken }),
    }).href;
  }

  /** A logout token, verified. Whether it was used before is the caller's question to the claims. */
  async readLogoutToken(token: string, now: number): Promise<LogoutToken | Refused> {
    const found = await this.#discovery.current(now);
    const verified = await verifyToken(token, found.keys, now);
    return verified.kind === 'refused' ? verified : checkLogoutToken(verified, this.#parties(found), now);
  }

  /** Whether a logout token's subject is the one that our subjects are made of, and the way from one to the other. */
  subjectOf({ issuer, subject }: LogoutToken): string | undefined {
    return this.#options.claims.subject === 'sub' && subject !== undefined ? `${issuer}|${subject}` : undefined;
  }

  close(): void {
    this.#outbound.close();
    this.#exchanges.close();
  }

  async #exchange(
    { configuration, issuer }: Discovered,
    code: string,
    { redirectUri, state, nonce, verifier }: Transaction,
  ): Promise<{ readonly kind: 'ok'; readonly tokens: client.TokenEndpointResponse } | Refused> {
    const url = new URL(redirectUri);
    url.searchParams.set('code', code);
    url.searchParams.set('state', state);
    // Checked before. The library would compare it with the issuer of all tenants.
    if (!issuer.includes('{tenantid}')) url.searchParams.set('iss', issuer);
    try {
      const tokens = await client.authorizationCodeGrant(configuration, url, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      return { kind: 'ok', tokens };
    } catch (error) {
      return libraryFault(error);
    }
  }

  async #idToken(
    found: Discovered,
    tokens: client.TokenEndpointResponse,
    now: number,
    expected: {
      readonly nonce: string | undefined;
      readonly subject?: string;
      readonly maxAge?: number | undefined;
      readonly acrValues?: readonly string[] | undefined;
    },
  ): Promise<IdToken | Refused> {
    if (tokens.id_token === undefined) return refused('token-missing', 'the token endpoint gave no ID token');
    const verified = await verifyToken(tokens.id_token, found.keys, now);
    if (verified.kind === 'refused') return verified;
    const expectations = { ...this.#parties(found), ...expected, accessToken: tokens.access_token };
    return checkIdToken(verified, expectations, now);
  }

  async #renewedToken(
    found: Discovered,
    tokens: client.TokenEndpointResponse,
    grant: Grant,
    now: number,
  ): Promise<IdToken | Refused | undefined> {
    if (tokens.id_token === undefined) return undefined;
    // Core, 12.2: it should have no nonce; one that it has is that of the sign-in.
    const first = await this.#idToken(found, tokens, now, { nonce: undefined, subject: grant.subject });
    if (first.kind === 'refused' || first.claims['nonce'] === undefined || first.claims['nonce'] === grant.nonce)
      return first;
    return refused('token-nonce', 'its nonce is another one than at the sign-in');
  }

  async #identify(
    found: Discovered,
    tokens: client.TokenEndpointResponse,
    token: IdToken,
    now: number,
  ): Promise<({ readonly kind: 'ok' } & Identified) | Refused> {
    let { claims } = token;
    if (this.#options.userinfo) {
      try {
        const more = await client.fetchUserInfo(found.configuration, tokens.access_token, token.subject);
        claims = { ...more, ...claims }; // what is signed has the last word
      } catch (error) {
        return refused('userinfo-failed', libraryFault(error).detail);
      }
    }
    return identify(claims, token.issuer, tokens.access_token, {
      options: this.#options,
      outbound: this.#outbound,
      now,
      authTime: token.authTime,
    });
  }

  #grant(tokens: client.TokenEndpointResponse, nonce: string, subject: string): Grant | undefined {
    const { refresh, logoutAtProvider } = this.#options;
    if (!refresh && !logoutAtProvider) return undefined;
    const refreshToken = refresh ? tokens.refresh_token : undefined;
    return { refreshToken, idToken: logoutAtProvider ? tokens.id_token : undefined, nonce, subject };
  }

  #parties({ issuer }: Discovered): Parties {
    return { issuer, tenants: this.#options.tenants, clientId: this.#options.clientId };
  }

  #issuers({ issuer }: Discovered): readonly string[] {
    return issuer.includes('{tenantid}')
      ? this.#options.tenants.map((tenant) => issuer.replace('{tenantid}', tenant))
      : [issuer];
  }
}

/** What may be better the next time. */
const notNow: ReadonlySet<OidcReason> = new Set(['userinfo-failed', 'groups-unavailable']);
