/**
 * A Kerberos 5 and SPNEGO acceptor with PAC decoding. What a gateway needs is here; the modules behind it are not API.
 *
 * @module
 */

export type { AcceptCircumstances, AcceptedClient } from './accept-ap-req.ts';
export type { AcceptContext, AcceptResult, NegotiationState } from './accept-result.ts';
export { type Acceptor, type AcceptorOptions, createAcceptor } from './acceptor.ts';
export { DerError, DerReader, Tag } from './der.ts';
export { etypeName, generateKey, importKey, isSupportedEtype, type Key, stringToKey } from './etypes.ts';
export type { Failure, FailureCode } from './failure.ts';
export { encodeKeytab, Keytab, type KeytabEntry, type KeytabEntryInfo, KeytabError, parseKeytab } from './keytab.ts';
export { Etype, NameType } from './numbers.ts';
export type { Pac } from './pac.ts';
export type { PacLogon } from './pac-logon-info.ts';
export {
  MemoryReplayCache,
  type MemoryReplayCacheOptions,
  type ReplayCache,
  ReplayCacheFullError,
} from './replay-cache.ts';
export { SidError, sidFromBytes, sidToBytes } from './sid.ts';
