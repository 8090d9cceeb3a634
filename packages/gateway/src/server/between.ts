/**
 * What passes between client and app, and what does not: the gateway's own cookies
 * and credentials stay with the gateway, in both directions.
 *
 * @module
 */
import { withoutCookies, withoutSetCookies } from '../wire/cookies.ts';
import type { Fields } from '../wire/fields.ts';
import type { App } from './apps.ts';

/** Session, token against forged requests, and one for each sign-in with a provider that is under way. */
const isOurs = (name: string): boolean => /^(?:__Host-)?cardea(?:-csrf|-tx(?:-.*)?)?$/.test(name);

/** Credentials that are for us by their form. */
const ours = /^(?:negotiate(?: |$)|bearer +cardea_)/i;

/** What the app gets of the client's fields: not our cookies, and not a credential that was meant for us. `Host` is set anew. */
export function forApp(fields: Fields, app: Pick<App, 'signIn'>): Fields {
  const rest = withoutCookies(fields, isOurs);
  const own = app.signIn === 'none' ? undefined : app.signIn.ownFields;
  const kept: string[] = [];
  for (let i = 0; i < rest.length; i += 2) {
    const name = (rest[i] as string).toLowerCase();
    const value = rest[i + 1] as string;
    if (name === 'host' || own?.has(name) === true) continue;
    // Where nobody signs in to us, a credential is the app's own affair.
    if (own !== undefined && name === 'authorization' && ours.test(value)) continue;
    kept.push(rest[i] as string, value);
  }
  return kept;
}

/** What the client gets of the app's fields: an app must not be able to sign anybody in or out, least of all as somebody else. */
export const forClient = (fields: Fields): Fields => withoutSetCookies(fields, isOurs);
