import { TokenError, type TokenErrorCode } from './token-error.ts';

/** Why a sign-on failed. */
export type SignOnFault = Extract<
  TokenErrorCode,
  | 'no-ticket'
  | 'ticket-expired'
  | 'clock-skew'
  | 'unknown-service'
  | 'service-key'
  | 'kdc-unreachable'
  | 'mutual-authentication-failed'
  | 'sign-on-failed'
>;

const advice: Readonly<Record<SignOnFault, (host: string) => string>> = {
  'no-ticket': () =>
    'there is no Kerberos ticket: run "kinit", or sign in to Windows with an account of the domain (KRB5CCNAME says where tickets are, when it is set)',
  'ticket-expired': () => 'the Kerberos ticket has expired: run "kinit" again, or lock and unlock the screen',
  'clock-skew': () =>
    "this machine's clock is too far from the domain's: set it right (five minutes are the most that is let pass)",
  'unknown-service': (host) =>
    `the domain knows no service "HTTP/${host}": check the address; if it is right, an administrator has to register this name (SPN) for the gateway's account`,
  'service-key': (host) =>
    `the gateway cannot open the ticket for "HTTP/${host}": its keytab has another key than the domain; tell an administrator`,
  'kdc-unreachable': () =>
    'no domain controller answers: is this machine in the company network, or on its VPN? Is the realm in krb5.conf?',
  'mutual-authentication-failed': (host) =>
    `who answered could not prove to be "HTTP/${host}": somebody may be in between`,
  'sign-on-failed': (host) => `the sign-on to "HTTP/${host}" failed`,
};

/** The error for a sign-on that failed. `detail` is what the system says about it. */
export function signOnError(fault: SignOnFault, host: string, detail = '', cause?: unknown): TokenError {
  const words = detail === '' ? '' : ` (${detail})`;
  return new TokenError(fault, `${advice[fault](host)}${words}`, { cause });
}
