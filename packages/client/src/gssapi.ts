import type { GssLibrary, GssStep } from './gssapi-library.ts';
import type { Pointer } from './koffi.ts';
import { type Handshake, hasNtlm, type Mechanism } from './mechanism.ts';
import { type SignOnFault, signOnError } from './sign-on-fault.ts';
import type { TokenError } from './token-error.ts';

/** RFC 2744, 3.9.1: the upper half of a major status is what failed, the lower what goes on. */
const failed = (major: number): boolean => major >>> 16 !== 0;
const continueNeeded = 1;
const mutual = 2;
/** `GSS_C_MUTUAL_FLAG`, and nothing that a service could misuse: no delegation. */
const wanted = mutual;

const noCredential = 7;
const credentialsExpired = 11;

/** Kerberos' own numbers (MIT's krb5_err.et; Heimdal has the same), which begin here: RFC 4120, 7.5.9, and the client's. */
const kerberosBase = -1_765_328_384;
const kerberosFaults: ReadonlyMap<number, SignOnFault> = new Map([
  [7, 'unknown-service'], // KDC_ERR_S_PRINCIPAL_UNKNOWN
  [31, 'service-key'], // KRB_AP_ERR_BAD_INTEGRITY
  [32, 'ticket-expired'], // KRB_AP_ERR_TKT_EXPIRED
  [33, 'clock-skew'], // KRB_AP_ERR_TKT_NYV
  [35, 'service-key'], // KRB_AP_ERR_NOT_US
  [37, 'clock-skew'], // KRB_AP_ERR_SKEW
  [41, 'service-key'], // KRB_AP_ERR_MODIFIED
  [44, 'service-key'], // KRB_AP_ERR_BADKEYVER
  [45, 'service-key'], // KRB_AP_ERR_NOKEY
  [46, 'mutual-authentication-failed'], // KRB_AP_ERR_MUT_FAIL
  [141, 'no-ticket'], // KRB5_CC_NOTFOUND
  [154, 'kdc-unreachable'], // KRB5_REALM_UNKNOWN
  [156, 'kdc-unreachable'], // KRB5_KDC_UNREACH
  [195, 'no-ticket'], // KRB5_FCC_NOFILE
  [220, 'kdc-unreachable'], // KRB5_REALM_CANT_RESOLVE
]);

/** What a pair of statuses of the Kerberos mechanism means. */
export function gssFault(major: number, minor: number): SignOnFault {
  const known = kerberosFaults.get((minor | 0) - kerberosBase);
  if (known !== undefined) return known;
  const routine = (major >>> 16) & 0xff;
  if (routine === noCredential) return 'no-ticket';
  return routine === credentialsExpired ? 'ticket-expired' : 'sign-on-failed';
}

/** Signs on with the ticket of whoever runs this process: SPNEGO, with mutual authentication and without delegation. */
export function gssapi(library: GssLibrary): Mechanism {
  return {
    async begin(host) {
      const { major, minor, name } = await library.importName(`HTTP@${host}`);
      if (failed(major) || name === null)
        throw signOnError('sign-on-failed', host, library.describe(minor, 'minor', 'krb5'));
      let context: Pointer | null = null;
      const close = (): void => {
        if (context !== null) library.deleteContext(context);
        context = null;
        library.releaseName(name);
      };
      const step = async (input?: Uint8Array): Promise<GssStep> => {
        const done = await library.initSecContext(context, name, 'spnego', wanted, input);
        ({ context } = done);
        return done;
      };
      try {
        const first = await step();
        if (failed(first.major) || hasNtlm(first.token)) throw await reason(library, name, host, first);
        return { token: first.token, close, finish: async (reply) => judge(await step(reply), host, library) };
      } catch (error) {
        close();
        throw error;
      }
    },
  } satisfies { begin(host: string): Promise<Handshake> };
}

/** SPNEGO hides Kerberos' numbers behind its own: Kerberos is asked alone, and says what is wrong. */
async function reason(library: GssLibrary, name: Pointer, host: string, spnego: GssStep): Promise<TokenError> {
  const alone = await library.initSecContext(null, name, 'krb5', wanted, undefined);
  if (alone.context !== null) library.deleteContext(alone.context);
  if (!failed(alone.major)) return signOnError('sign-on-failed', host, said(library, spnego, 'spnego'));
  return signOnError(gssFault(alone.major, alone.minor), host, said(library, alone, 'krb5'));
}

const said = (library: GssLibrary, { major, minor }: GssStep, mechanism: 'spnego' | 'krb5'): string =>
  minor === 0 ? library.describe(major, 'major', mechanism) : library.describe(minor, 'minor', mechanism).trim();

function judge(step: GssStep, host: string, library: GssLibrary): void {
  if (failed(step.major)) {
    const text = said(library, step, 'spnego');
    throw signOnError(replyFault(step, text), host, text);
  }
  if ((step.major & continueNeeded) !== 0)
    throw signOnError('sign-on-failed', host, 'the service wants more than one exchange');
  if ((step.flags & mutual) === 0) throw signOnError('mutual-authentication-failed', host);
}

/** What the service's refusal means. Nobody can be asked again about it, so MIT's English words count where the number is SPNEGO's. */
function replyFault({ major, minor }: GssStep, text: string): SignOnFault {
  const fault = gssFault(major, minor);
  if (fault !== 'sign-on-failed') return fault;
  if (/clock skew|not yet valid/i.test(text)) return 'clock-skew';
  if (/ticket expired/i.test(text)) return 'ticket-expired';
  if (/integrity|modified|key version|wrong principal|no key|service key/i.test(text)) return 'service-key';
  return 'sign-on-failed';
}
