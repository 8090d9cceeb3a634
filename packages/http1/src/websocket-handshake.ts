import { type Fields, fieldValues } from './fields.ts';
import { tokens } from './grammar.ts';

export type Handshake =
  | { readonly kind: 'none' }
  | { readonly kind: 'websocket' }
  | {
      readonly kind: 'refused';
      /** 426 only for another version; the reply then names ours in `Sec-WebSocket-Version: 13` (RFC 6455, 4.4). */
      readonly status: 400 | 426;
      readonly reason: HandshakeRefusal;
    };

export type HandshakeRefusal =
  | 'websocket-not-get'
  | 'websocket-without-connection-upgrade'
  | 'websocket-beside-other-protocols'
  | 'websocket-key-malformed'
  | 'websocket-version'
  | 'websocket-with-body';

/** 16 bytes in base64: the last letter before the padding carries two bits. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/**
 * Whether this is a WebSocket opening handshake (RFC 6455, 4.2.1). A request that asks for `websocket` and is not a
 * whole handshake is refused rather than taken for an ordinary request: two servers could disagree on what follows it.
 * Other protocols in `Upgrade` are nobody's business here (RFC 9110, 7.8): `none`.
 */
export function websocketHandshake(method: string, fields: Fields): Handshake {
  const upgrades = fieldValues(fields, 'upgrade');
  if (upgrades.length === 0) return { kind: 'none' };
  const protocols = upgrades.flatMap((value) => value.split(',')).map((protocol) => protocol.trim().toLowerCase());
  if (!protocols.includes('websocket')) return { kind: 'none' };

  if (protocols.length !== 1) return refused('websocket-beside-other-protocols');
  if (method !== 'GET') return refused('websocket-not-get');
  const options = tokens(fieldValues(fields, 'connection').join(','));
  if (options === 'malformed' || !options.includes('upgrade')) return refused('websocket-without-connection-upgrade');
  const keys = fieldValues(fields, 'sec-websocket-key');
  if (keys.length !== 1 || !KEY.test(keys[0] ?? '')) return refused('websocket-key-malformed');
  const versions = fieldValues(fields, 'sec-websocket-version');
  if (versions.length !== 1 || versions[0] !== '13') return refused('websocket-version', 426);
  if (hasBody(fields)) return refused('websocket-with-body');
  return { kind: 'websocket' };
}

/** Whether the request is a whole WebSocket handshake: what an engine puts into `RequestHead.upgrade`. */
export function isUpgrade(fields: Fields, method: string): boolean {
  return websocketHandshake(method, fields).kind === 'websocket';
}

const hasBody = (fields: Fields): boolean =>
  fieldValues(fields, 'transfer-encoding').length > 0 ||
  fieldValues(fields, 'content-length').some((length) => length !== '0');

const refused = (reason: HandshakeRefusal, status: 400 | 426 = 400): Handshake => ({ kind: 'refused', status, reason });
