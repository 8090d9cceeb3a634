/**
 * Who may ask the admin listener about people. It knows no person, so this asks for a token, or for somebody on this machine;
 * and never for a browser, whose pages come from anywhere.
 *
 * @module
 */
import { isIP } from 'node:net';
import type { Secret } from '../core/secret.ts';
import { cidrMatcher } from '../wire/cidr.ts';
import { fieldValues, singleField } from '../wire/fields.ts';
import { canonicalHost } from '../wire/host.ts';
import type { RequestHead, Verdict } from '../wire/http.ts';
import { jsonReply } from './replies.ts';

/** The verdict on a request that is not answered; `undefined` for one that may ask. Without a `token` only this machine may. */
export function refusedAdmin(head: RequestHead, token: Secret | undefined): Verdict | undefined {
  if (isBrowser(head)) return refusedJson(403, 'not-allowed', 'No browser is answered here');
  if (!mayAsk(head, token))
    return refusedJson(
      403,
      'not-allowed',
      'Ask from this machine, by its address or localhost, or send the token of admin.token: Authorization: Bearer …',
    );
  return undefined;
}

/** A refusal as programs read it. */
export const refusedJson = (
  status: number,
  error: string,
  message: string,
  extra: readonly string[] = [],
): Verdict => ({
  kind: 'reply',
  reply: jsonReply(status, { error, message, requestId: undefined }, extra),
});

function mayAsk({ fields, connection }: RequestHead, token: Secret | undefined): boolean {
  const authorization = singleField(fields, 'authorization');
  if (authorization === 'ambiguous') return false;
  // Whoever shows a token shows the right one.
  if (authorization !== undefined)
    return token !== undefined && token.equals(authorization.value.replace(/^bearer +/i, ''));
  // A proxy on this machine speaks for people elsewhere.
  const carried = proxyFields.some((name) => fieldValues(fields, name).length > 0);
  return token === undefined && !carried && isLoopback(connection.remoteAddress) && namesThisMachine(fields);
}

/**
 * A page under a name of its own that leads here asks with GET and without `Origin`, and is told apart by this name alone. Programs
 * on this machine ask for an address, or for localhost.
 */
function namesThisMachine(fields: RequestHead['fields']): boolean {
  const named = singleField(fields, 'host');
  if (named === 'ambiguous') return false;
  if (named === undefined) return true;
  const read = canonicalHost(named.value);
  if (read.kind === 'refused') return false;
  return read.host === 'localhost' || isIP(read.host.replace(/^\[(.*)\]$/, '$1')) !== 0;
}

const isLoopback = cidrMatcher(['127.0.0.0/8', '::1/128']);
const proxyFields = ['forwarded', 'x-forwarded-for', 'via', 'x-real-ip'];

/** Browsers send one of these with every POST, and from pages that they trust with every request. */
const isBrowser = ({ fields }: RequestHead): boolean =>
  ['origin', 'sec-fetch-site'].some((name) => fieldValues(fields, name).length > 0);
