/**
 * A client for the tokens of a Cardea gateway. Nothing here is Node's: what signs in by the system is in `@cardea/client/node`.
 *
 * @module
 */
export { createTokenClient, type TokenClient, type TokenClientOptions } from './client.ts';
export type { Handshake, Mechanism } from './mechanism.ts';
export {
  type Negotiate,
  type NegotiateAnswer,
  type NegotiateOptions,
  negotiateBy,
  type SignedPost,
} from './negotiate.ts';
export type { KeptToken, TokenCache } from './token-cache.ts';
export { TokenError, type TokenErrorCode } from './token-error.ts';
