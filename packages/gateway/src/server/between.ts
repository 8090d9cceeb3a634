/**
 * What passes between client and app, and what does not: the gateway's own cookies
 * and credentials stay with the gateway, in both directions.
 *
 * @module
 */
import { withoutCookies, withoutSetCookies } from '../wire/cookies.ts';
import { foldFieldName } from '../wire/field-names.ts';
import type { Fields } from '../wire/fields.ts';
import type { App } from './apps.ts';
import type { SignInPlan } from './sign-in-plan.ts';

/** Session, token against forged requests, and one for each sign-in with a provider that is under way. */
const isOurs = (name: string): boolean => /^(?:__Host-)?cardea(?:-csrf|-tx(?:-.*)?)?$/.test(name);

/** Credentials that are for us by their form, also where an app does not take them. */
const ours = /^(?:negotiate(?:[\t ]|$)|bearer[\t ]+cardea_)/i;
const ourKey = /^cardea_/;

/** What the app gets of the client's fields: not our cookies, and not a credential that was meant for us. `Host` is set anew. */
export function forApp(fields: Fields, app: Pick<App, 'signIn' | 'limits' | 'upstreamCredential'>): Fields {
  const rest = withoutCookies(fields, isOurs);
  const { signIn } = app;
  const taken = takenFrom(app);
  const kept: string[] = [];
  for (let i = 0; i < rest.length; i += 2) {
    const name = (rest[i] as string).toLowerCase();
    const value = rest[i + 1] as string;
    // Where nobody signs in to us, a credential is the app's own affair.
    if (name === 'host' || (signIn !== 'none' && isForUs(name, value, signIn))) continue;
    if (taken.length > 0 && taken.includes(foldFieldName(name))) continue;
    kept.push(rest[i] as string, value);
  }
  return kept;
}

/** Where limits hold, no credential of a client's may buy more; and what proves who we are is ours alone. Folded names. */
function takenFrom({ limits, upstreamCredential }: Pick<App, 'limits' | 'upstreamCredential'>): readonly string[] {
  const own = upstreamCredential === undefined ? [] : [foldFieldName(upstreamCredential.name)];
  return limits === undefined ? own : [...own, foldFieldName('authorization')];
}

function isForUs(name: string, value: string, { ownFields, ownSchemes }: SignInPlan): boolean {
  if (name === 'authorization') return ours.test(value) || (ownSchemes.size > 0 && ownSchemes.has(schemeOf(value)));
  if (ownFields.size > 0 && ownFields.has(foldFieldName(name))) return true;
  return ourKey.test(value) && foldFieldName(name) === 'x-api-key';
}

const schemeOf = (value: string): string => value.split(/[ \t]/, 1)[0]?.toLowerCase() ?? '';

/** What the client gets of the app's fields: an app must not be able to sign anybody in or out, least of all as somebody else. */
export const forClient = (fields: Fields): Fields => withoutSetCookies(fields, isOurs);

/** The same where the client is told of our limits: two lists of them would be read as one (RFC 9651, 4.2). */
export function forLimitedClient(fields: Fields): Fields {
  const kept = forClient(fields);
  return kept.some(isOfLimits) ? kept.filter((_, i) => !isOfLimits(kept[i - (i % 2)] ?? '', i - (i % 2))) : kept;
}

const isOfLimits = (text: string, i: number): boolean => i % 2 === 0 && /^ratelimit(?:-policy)?$/i.test(text);
