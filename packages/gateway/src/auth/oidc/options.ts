import type { Secret } from '../../core/secret.ts';

/** How we prove to the provider that we are the client (OpenID Connect Core 1.0, 9). */
export type ClientAuthentication =
  /** A public client: PKCE alone. */
  | { readonly kind: 'none' }
  /** In the way that the provider names first of `client_secret_basic` and `client_secret_post`. */
  | { readonly kind: 'secret'; readonly secret: Secret }
  | { readonly kind: 'client_secret_basic' | 'client_secret_post'; readonly secret: Secret }
  /** A signed assertion (RFC 7523, 2.2). */
  | {
      readonly kind: 'private_key_jwt';
      /** PEM, PKCS #8: RSA of at least 2048 bits or P-256. */
      readonly key: string;
      readonly keyId: string | undefined;
      /** PEM; Entra wants the certificate's hash beside the assertion. */
      readonly certificate: string | undefined;
    };

/** Which claims say what. A name may lead into objects: `realm_access.roles`. */
export interface ClaimNames {
  /**
   * The account: the first of these that is there. With braces it is a template: `CORP\{samaccountname}`.
   * `undefined`: `preferred_username`, then `email`, then `sub`.
   */
  readonly user: readonly string[] | undefined;
  readonly subject: string;
  readonly name: string;
  readonly email: string;
  readonly upn: string;
  /** `undefined`: not asked for. */
  readonly groups: string | undefined;
  readonly roles: string | undefined;
}

/** Microsoft Graph, for people with more groups than fit into a token. */
export interface GraphOptions {
  /** `https://graph.microsoft.com`; another one for national clouds. */
  readonly url: string;
  /** Which name groups get that the table does not name: none, that of the synchronised AD group, or the display name. */
  readonly names: 'none' | 'on_premises' | 'display';
  /** When groups cannot be had: nobody gets in, or everybody without groups and with a note in the audit log. */
  readonly onFailure: 'refuse' | 'without_groups';
}

/** One provider, as its entry in the configuration describes it. */
export interface OidcOptions {
  /** The name of its entry; stands in `/auth/login/<id>` and `/auth/callback/<id>`. */
  readonly id: string;
  /** What the button says. */
  readonly name: string;
  /** As it stands in tokens. `undefined`: as `discovery` has it. */
  readonly issuer: string | undefined;
  /** The URL of the metadata; `undefined`: below the issuer, where the standard puts it. */
  readonly discovery: string | undefined;
  readonly clientId: string;
  readonly authentication: ClientAuthentication;
  /** With `openid`. */
  readonly scopes: readonly string[];
  readonly claims: ClaimNames;
  /** Asks the provider for claims that are not in the ID token (OpenID Connect Core 1.0, 5.3). */
  readonly userinfo: boolean;
  /** Names for groups by their id. */
  readonly groupNames: Readonly<Record<string, string>>;
  /** Only members of one of these may sign in; empty: everybody. */
  readonly groupsAllowed: readonly string[];
  /** Where groups come from. `directory`: the gateway's own directory knows them, the provider is not asked. */
  readonly groupsFrom: 'claims' | 'graph' | 'directory';
  readonly graph: GraphOptions;
  /** Tenants that people may come from (Entra), when the issuer stands for several. */
  readonly tenants: readonly string[];
  /** The end of a session, counted from the sign-in. */
  readonly lifetimeMs: number;
  /** Keep a refresh token, so that changes at the provider are noticed during a session. */
  readonly refresh: boolean;
  /** The longest answer to wait for. */
  readonly timeoutMs: number;
  /** Signing out here also signs out at the provider. */
  readonly logoutAtProvider: boolean;
  readonly ca: string | undefined;
  readonly proxy: string | undefined;
}
