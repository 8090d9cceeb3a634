/**
 * What a page of another site may send where CORS lets it read without credentials: its request, less all that a browser
 * adds by itself and a person could be taken for.
 *
 * @module
 */
import { type OriginRefusal } from '../auth/origin.ts';
import { type Fields, singleField } from '../wire/fields.ts';
import type { Cors } from './cors.ts';
import { type RequestContext, upstreamFields } from './request-context.ts';
import { isSilent, type SignInPlan } from './sign-in-plan.ts';

/** Whether a request that was refused for its origin may go on without credentials. */
export function mayGoWithout(cors: Cors | undefined, refusal: OriginRefusal, { head }: RequestContext): boolean {
  if (cors === undefined || cors.credentials || head.upgrade) return false;
  // Of a form that no script has sent, and of a field that can be read in two ways, nothing is known.
  if (refusal !== 'origin-not-allowed' && refusal !== 'origin-opaque') return false;
  const origin = singleField(head.fields, 'origin');
  return origin !== undefined && origin !== 'ambiguous' && cors.allows(origin.value);
}

/** Schemes of `Authorization` with which browsers answer by themselves. */
const ambient = /^(?:basic|digest|negotiate|ntlm)(?:[ \t]|$)/i;

/** The request without cookies and without what browsers send of themselves. */
export function withoutCredentials(context: RequestContext): RequestContext {
  const { authorization } = context;
  const isAmbient = authorization !== undefined && ambient.test(authorization);
  const kept: string[] = [];
  for (let i = 0; i < context.fields.length; i += 2) {
    const name = (context.fields[i] as string).toLowerCase();
    if (name !== 'cookie' && !(isAmbient && name === 'authorization'))
      kept.push(context.fields[i] as string, context.fields[i + 1] as string);
  }
  const fields: Fields = kept;
  return {
    ...context,
    fields,
    authorization: isAmbient ? undefined : authorization,
    session: { kind: 'none' },
    toUpstream: upstreamFields({ ...context, fields }),
  };
}

/** The ways in that a page takes by its own doing: no session, none that begins one, and nobody else's word. */
export const ofPages = (plan: SignInPlan, isAmbientKind: (kind: string) => boolean): SignInPlan => ({
  ...plan,
  byRequest: plan.byRequest.filter(({ kind }) => !isAmbientKind(kind)),
  bySession: [],
  offer: { ...plan.offer, challenges: plan.offer.challenges.filter((challenge) => !isSilent(challenge)) },
});
