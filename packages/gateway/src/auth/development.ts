/**
 * The development identity: everybody on this machine is one configured person, so that an
 * app can be written without the infrastructure. It shows nothing, and so it is for
 * loopback alone, and says so wherever it is seen.
 *
 * @module
 */
import { fieldValues } from '../wire/fields.ts';
import { cidrMatcher } from '../wire/cidr.ts';
import type { Authenticator, Credentials, Outcome } from './authenticator.ts';

export interface DevelopmentOptions {
  readonly id?: string;
  readonly account: string;
  readonly upn?: string | undefined;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly groups: readonly string[];
  readonly lifetimeMs: number;
}

/** For the log at the start, the audit log, and our pages. */
export const developmentNotice =
  'DEVELOPMENT IDENTITY: everybody on this machine is signed in without any proof. Never use this in production.';

const isLoopback = cidrMatcher(['127.0.0.0/8', '::1/128']);

/** Fields by which a proxy or tunnel tells that somebody else is behind it. */
const forwarding = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via', 'cf-connecting-ip'];

/**
 * The development identity as a sign-in method. Only for clients on this machine: neither the peer nor the client that a
 * proxy speaks for may be elsewhere, and what has been forwarded by anybody has come from who knows where.
 */
export function development(options: DevelopmentOptions): Authenticator {
  const { account, upn, name, email, groups, lifetimeMs } = options;
  return {
    id: options.id ?? 'development',
    kind: 'development',
    scope: 'session',
    challenge: undefined,

    authenticate({ connection, address, fields, now }: Credentials): Outcome {
      if (!isLoopback(connection.remoteAddress) || !isLoopback(address)) return elsewhere;
      if (forwarding.some((field) => fieldValues(fields, field).length > 0)) return elsewhere;
      const identity = {
        subject: `development:${account}`,
        account,
        upn,
        name,
        email,
        sids: [],
        groups,
        method: 'development',
        authenticatedAt: now,
        expiresAt: now + lifetimeMs,
      };
      return { kind: 'accepted', identity, note: developmentNotice };
    },
  };
}

const elsewhere: Outcome = {
  kind: 'rejected',
  reason: 'development-not-local',
  detail: 'the development identity is for clients on this machine, and this request has come from elsewhere',
};
