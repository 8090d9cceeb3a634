import { curlNegotiate, type CurlOptions } from './curl.ts';
import { gssapi } from './gssapi.ts';
import { openGssLibrary } from './gssapi-library.ts';
import { type Koffi, loadKoffi } from './koffi.ts';
import type { Mechanism } from './mechanism.ts';
import { type Negotiate, negotiateBy } from './negotiate.ts';
import { sspi } from './sspi.ts';
import { openSspiLibrary } from './sspi-library.ts';
import { TokenError } from './token-error.ts';

/** How to sign in: by the system's library, or by curl. */
export const ways = ['library', 'curl'] as const;
/** One of them. */
export type Way = (typeof ways)[number];

export interface SystemNegotiateOptions {
  /** Default: the library, and curl where koffi or the library is missing. */
  readonly way?: Way;
  /** The host name of the service (`HTTP/…`), where it is another than in the address. Only by the library. */
  readonly service?: string;
  readonly curl?: CurlOptions;
  /** For programs whose bundler has put koffi elsewhere; `false`: do without. Default: the installed one. */
  readonly koffi?: Koffi | false;
}

/** Signs in as whoever runs this process: GSSAPI on Linux and macOS, SSPI on Windows, curl where these cannot be called. */
export function systemNegotiate(options: SystemNegotiateOptions = {}): Negotiate {
  const { way, service } = options;
  const mechanism = way === 'curl' ? undefined : libraryOf(options);
  if (mechanism !== undefined) return negotiateBy(mechanism, service === undefined ? {} : { service });
  if (way === 'library')
    throw new TokenError(
      'no-way-to-sign-in',
      'the Kerberos library of the system cannot be called: install koffi (npm), and on Linux libgssapi-krb5-2',
    );
  if (service !== undefined)
    throw new TokenError('no-way-to-sign-in', 'curl cannot sign on to another service name: install koffi (npm)');
  return withAdvice(curlNegotiate(options.curl));
}

function libraryOf(options: SystemNegotiateOptions): Mechanism | undefined {
  const koffi = options.koffi ?? loadKoffi();
  if (koffi === undefined || koffi === false) return undefined;
  if (process.platform === 'win32') {
    const library = openSspiLibrary(koffi);
    return library === undefined ? undefined : sspi(library);
  }
  const library = openGssLibrary(koffi);
  return library === undefined ? undefined : gssapi(library);
}

/** Where there is no curl either, both are worth naming. */
const withAdvice = (negotiate: Negotiate): Negotiate => ({
  post: (request) =>
    negotiate.post(request).catch((error: unknown) => {
      if (!(error instanceof TokenError) || error.code !== 'no-way-to-sign-in') throw error;
      throw new TokenError('no-way-to-sign-in', 'install koffi (npm), or a curl that can Negotiate', { cause: error });
    }),
});
