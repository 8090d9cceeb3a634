/**
 * Every reader of text that a client, an app or another program can send us.
 *
 * @module
 */
import { readApiKey } from '../../packages/gateway/src/auth/api-key-text.ts';
import { canonicalOrigin, checkOrigin } from '../../packages/gateway/src/auth/origin.ts';
import { parsePasswordHash } from '../../packages/gateway/src/auth/password-hash.ts';
import { matchesGlob, parseGlob, pathSegments } from '../../packages/gateway/src/policy/glob.ts';
import { wantsPage } from '../../packages/gateway/src/wire/accepts.ts';
import { canonicalAddress, parseCidr } from '../../packages/gateway/src/wire/cidr.ts';
import { readCookie, withoutCookies, withoutSetCookies } from '../../packages/gateway/src/wire/cookies.ts';
import { tokenList } from '../../packages/gateway/src/wire/field-grammar.ts';
import { identityFieldStripper } from '../../packages/gateway/src/wire/field-names.ts';
import { clientAddress } from '../../packages/gateway/src/wire/forwarded.ts';
import { endToEndFields } from '../../packages/gateway/src/wire/hop-by-hop.ts';
import { canonicalHost } from '../../packages/gateway/src/wire/host.ts';
import { encodeValue } from '../../packages/gateway/src/wire/identity-fields.ts';
import { canonicalPath, canonicalTarget } from '../../packages/gateway/src/wire/path.ts';
import { refererWithout, takeQueryParameter } from '../../packages/gateway/src/wire/query-parameter.ts';
import { checkRequest } from '../../packages/gateway/src/wire/request-check.ts';
import { returnPath } from '../../packages/gateway/src/wire/return-path.ts';
import { endToEndTrailers } from '../../packages/gateway/src/wire/trailers.ts';
import { parseRequestHead, parseResponseHead, parseTrailers } from '../../packages/http1/src/head.ts';
import { isFieldValue, isToken, tokens, trimBlanks } from '../../packages/http1/src/grammar.ts';
import { passableTrailers } from '../../packages/http1/src/trailers.ts';
import { websocketHandshake } from '../../packages/http1/src/websocket-handshake.ts';
import { quote } from '../../packages/kerberos/src/quote.ts';
import { sidToBytes } from '../../packages/kerberos/src/sid.ts';
import { encodeOid } from '../../packages/kerberos/src/oid.ts';

export interface TextReader {
  readonly name: string;
  readonly read: (text: string) => unknown;
}

const limits = { headBytes: 1024 * 1024, headerCount: 100_000 };
const strip = identityFieldStripper(['X-Authenticated-*', 'X-Request-Id']);
const glob = parseGlob('/a/**/b/*/c');

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  'parseRequestHead(), target': (text) => parseRequestHead(`GET /${text} HTTP/1.1\r\nHost: a`, limits),
  'parseRequestHead(), value': (text) => parseRequestHead(`GET / HTTP/1.1\r\nHost: a\r\nX: ${text}`, limits),
  'parseRequestHead(), name': (text) => parseRequestHead(`GET / HTTP/1.1\r\nHost: a\r\n${text}: x`, limits),
  'parseRequestHead(), fields': (text) => parseRequestHead(`GET / HTTP/1.1\r\nHost: a\r\na:${text}`, limits),
  'parseRequestHead(), Connection': (text) =>
    parseRequestHead(`GET / HTTP/1.1\r\nHost: a\r\nConnection: ${text}`, limits),
  'parseRequestHead(), Transfer-Encoding': (text) =>
    parseRequestHead(`GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${text}`, limits),
  'parseRequestHead(), Content-Length': (text) =>
    parseRequestHead(`GET / HTTP/1.1\r\nHost: a\r\nContent-Length: ${text}`, limits),
  'parseRequestHead(), anything': (text) => parseRequestHead(text, limits),
  'parseResponseHead(), reason': (text) => parseResponseHead(`HTTP/1.1 200 ${text}`, 'GET', limits),
  'parseResponseHead(), value': (text) => parseResponseHead(`HTTP/1.1 200 OK\r\nX: ${text}`, 'GET', limits),
  'parseTrailers()': (text) => parseTrailers(`\r\n${text}`, limits),
  'tokens()': (text) => tokens(text),
  'isToken()': (text) => isToken(text),
  'isFieldValue()': (text) => isFieldValue(text),
  'trimBlanks()': (text) => trimBlanks(text),
  'passableTrailers()': (text) => passableTrailers([text, text]),
  'websocketHandshake()': (text) =>
    websocketHandshake('GET', ['Upgrade', `websocket,${text}`, 'Connection', text, 'Sec-WebSocket-Key', text]),
  'websocketHandshake(), Connection': (text) =>
    websocketHandshake('GET', ['Upgrade', 'websocket', 'Connection', `upgrade,${text}`, 'Sec-WebSocket-Key', text]),
  'wantsPage()': (text) => wantsPage({ method: 'GET', upgrade: false, fields: ['Accept', text] }),
  'parseCidr()': (text) => parseCidr(text),
  'canonicalAddress()': (text) => canonicalAddress(text),
  'readCookie()': (text) => readCookie(['Cookie', text], 'cardea'),
  'readCookie(), value': (text) => readCookie(['Cookie', `cardea=${text}`], 'cardea'),
  'withoutCookies()': (text) => withoutCookies(['Cookie', `cardea=1; ${text}`], (name) => name === 'cardea'),
  'withoutSetCookies()': (text) => withoutSetCookies(['Set-Cookie', text], (name) => name === 'cardea'),
  'tokenList()': (text) => tokenList([text, text]),
  'identityFieldStripper()': (text) => strip([text, text]),
  'clientAddress(), X-Forwarded-For': (text) => clientAddress(['X-Forwarded-For', text], '10.0.0.1', () => true),
  'clientAddress(), X-Forwarded-Proto': (text) => clientAddress(['X-Forwarded-Proto', text], '10.0.0.1', () => true),
  'endToEndFields()': (text) => endToEndFields(['Connection', text, 'X', 'y'], { upgrade: false }),
  'canonicalHost()': (text) => canonicalHost(text),
  'encodeValue(), utf-8': (text) => encodeValue(text, 'utf-8'),
  'encodeValue(), percent': (text) => encodeValue(text, 'percent'),
  'canonicalPath()': (text) => canonicalPath(`/${text}`),
  'canonicalTarget(), query': (text) => canonicalTarget(`/?${text}`),
  'takeQueryParameter()': (text) => takeQueryParameter(`?${text}`, 'token'),
  'takeQueryParameter(), found': (text) => takeQueryParameter(`?token=1&${text}`, 'token'),
  'refererWithout()': (text) => refererWithout(`https://a/?${text}`, 'token'),
  'refererWithout(), found': (text) => refererWithout(`https://a/?token=1&${text}`, 'token'),
  'checkRequest()': (text) => checkRequest({ method: 'GET', fields: ['Host', 'a', text, text] }),
  'checkRequest(), value': (text) => checkRequest({ method: 'GET', fields: ['Host', text, 'Authorization', text] }),
  'returnPath()': (text) => returnPath(text),
  'returnPath(), from a slash': (text) => returnPath(`/${text}`),
  'endToEndTrailers()': (text) => endToEndTrailers([text, text], strip),
  'readApiKey()': (text) => readApiKey(`cardea_${text}`),
  'canonicalOrigin()': (text) => canonicalOrigin(text),
  'canonicalOrigin(), host': (text) => canonicalOrigin(`https://${text}`),
  'checkOrigin()': (text) =>
    checkOrigin({ fields: ['Origin', text], method: 'POST', upgrade: false, ownOrigin: 'https://a', allowed: [] }),
  'parsePasswordHash()': (text) => parsePasswordHash(`$argon2id$v=19$m=65536,t=3,p=1$${text}`),
  'parseGlob()': (text) => parseGlob(`/${text}`),
  'pathSegments()': (text) => pathSegments(`/${text}`),
  'matchesGlob()': (text) => glob.kind === 'ok' && matchesGlob(glob.glob, `/a/${text}`.split('/')),
  'quote()': (text) => quote(text),
  'sidToBytes()': (text) => sidToBytes(`S-1-5-${text}`),
  'encodeOid()': (text) => encodeOid(text),
};

/** All of them. */
export const textReaders: readonly TextReader[] = Object.entries(readers).map(([name, read]) => ({ name, read }));
