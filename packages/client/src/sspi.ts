import type { Pointer } from './koffi.ts';
import { hasNtlm, type Mechanism } from './mechanism.ts';
import { type SignOnFault, signOnError } from './sign-on-fault.ts';
import type { SspiLibrary, SspiStep } from './sspi-library.ts';

const done = 0;
const continueNeeded = 0x0009_0312;
const mutual = 2; // ISC_REQ_MUTUAL_AUTH, ISC_RET_MUTUAL_AUTH
const connection = 0x800; // ISC_REQ_CONNECTION

/** SECURITY_STATUS (winerror.h). */
const faults: ReadonlyMap<number, SignOnFault> = new Map([
  [0x8009_0303, 'unknown-service'], // SEC_E_TARGET_UNKNOWN
  [0x8009_030e, 'no-ticket'], // SEC_E_NO_CREDENTIALS
  [0x8009_0311, 'kdc-unreachable'], // SEC_E_NO_AUTHENTICATING_AUTHORITY
  [0x8009_0317, 'ticket-expired'], // SEC_E_CONTEXT_EXPIRED
  [0x8009_0322, 'service-key'], // SEC_E_WRONG_PRINCIPAL
  [0x8009_0324, 'clock-skew'], // SEC_E_TIME_SKEW
  [0x8009_0363, 'mutual-authentication-failed'], // SEC_E_MUTUAL_AUTH_FAILED
]);

/** What a status of SSPI means. */
export const sspiFault = (status: number): SignOnFault => faults.get(status) ?? 'sign-on-failed';

/** Signs on with the Windows sign-in of whoever runs this process. Not verified on Windows: see docs/client.md. */
export function sspi(library: SspiLibrary): Mechanism {
  return {
    async begin(host) {
      const target = `HTTP/${host}`;
      const { status, credential } = await library.acquire();
      if (credential === null) throw signOnError(sspiFault(status), host, inHex(status));
      let context: Pointer | null = null;
      const close = (): void => {
        if (context !== null) library.deleteContext(context);
        context = null;
        library.freeCredential(credential);
      };
      const step = async (input?: Uint8Array): Promise<SspiStep> => {
        const taken = await library.initialize(credential, context, target, mutual | connection, input);
        ({ context } = taken);
        return taken;
      };
      try {
        const first = await step();
        if (first.status !== done && first.status !== continueNeeded)
          throw signOnError(sspiFault(first.status), host, inHex(first.status));
        // Windows falls back to NTLM without a word when it finds no Kerberos service of this name, or no domain controller.
        if (hasNtlm(first.token)) throw signOnError('unknown-service', host, 'Windows offers NTLM instead of Kerberos');
        return { token: first.token, close, finish: async (reply) => judge(await step(reply), host) };
      } catch (error) {
        close();
        throw error;
      }
    },
  };
}

function judge({ status, attributes }: SspiStep, host: string): void {
  if (status === continueNeeded) throw signOnError('sign-on-failed', host, 'the service wants more than one exchange');
  if (status !== done) throw signOnError(sspiFault(status), host, inHex(status));
  if ((attributes & mutual) === 0) throw signOnError('mutual-authentication-failed', host);
}

const inHex = (status: number): string => `0x${status.toString(16).padStart(8, '0')}`;
