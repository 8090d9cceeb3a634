/**
 * A strict HTTP/1.1 engine on bare sockets: what a gateway needs of it.
 *
 * @module
 */
export type { AddressCounter } from './address-limits.ts';
export type { EngineLimits } from './engine-context.ts';
export type {
  Client,
  ClientCertificate,
  Completion,
  Connection,
  Forward,
  Handler,
  Inspection,
  Judgement,
  LastingResponse,
  Reply,
  RequestHead,
  Tap,
  Tunnel,
  Upstream,
  UpstreamFailure,
  Verdict,
} from './exchange.ts';
export { type Fields, fieldValues, singleField } from './fields.ts';
export { isFieldValue, isToken, tokens, trimBlanks } from './grammar.ts';
export { type PreparedFields, prepareAsReceived, prepareFields } from './prepared-fields.ts';
export type { ProxyRefusal } from './proxied-address.ts';
export { type Engine, type EngineOptions, startEngine } from './server.ts';
export type { Certificate } from './tls.ts';
export { foldFieldName, passableTrailers } from './trailers.ts';
export { type Handshake, type HandshakeRefusal, isUpgrade, websocketHandshake } from './websocket-handshake.ts';
