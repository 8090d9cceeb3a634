import type { Handshake, Mechanism } from './mechanism.ts';
import { signOnError } from './sign-on-fault.ts';
import { TokenError } from './token-error.ts';

/** One request to the issuer, which goes out signed in. */
export interface SignedPost {
  readonly url: URL;
  /** JSON. */
  readonly body: string;
  readonly signal: AbortSignal;
  /** For those that send by it. */
  readonly fetch: typeof fetch;
}

/** The issuer's answer. */
export interface NegotiateAnswer {
  readonly status: number;
  readonly body: string;
  /** The field of this name, where it is known. */
  readonly retryAfter?: string | undefined;
}

/** Sends requests signed in as the person who runs this process. */
export interface Negotiate {
  /** Throws `TokenError`, or whatever the network has to say. */
  post(request: SignedPost): Promise<NegotiateAnswer>;
}

export interface NegotiateOptions {
  /** The host name of the service, where it is another than in the address: `HTTP/…` in the domain. */
  readonly service?: string;
}

/** Signs in with `Authorization: Negotiate` (RFC 4559) in the first request, by tokens of this mechanism. */
export function negotiateBy(mechanism: Mechanism, { service }: NegotiateOptions = {}): Negotiate {
  return {
    async post(request) {
      const host = service ?? request.url.hostname;
      const handshake = await mechanism.begin(host);
      try {
        return await exchange(handshake, request, host);
      } finally {
        handshake.close();
      }
    },
  };
}

async function exchange(handshake: Handshake, request: SignedPost, host: string): Promise<NegotiateAnswer> {
  const response = await request.fetch(request.url, {
    method: 'POST',
    headers: {
      Authorization: `Negotiate ${toBase64(handshake.token)}`,
      'Content-Type': 'application/json',
      Accept: 'application/json',
    },
    body: request.body,
    redirect: 'manual',
    signal: request.signal,
  });
  const challenge = response.headers.get('www-authenticate') ?? '';
  const reply = replyIn(challenge);
  // It proves who the service is; or it says, in a refusal, what is wrong with the ticket.
  if (reply !== undefined && (response.ok || response.status === 401)) {
    await handshake.finish(reply).catch((error: unknown) => {
      // Who says yes and cannot prove who it is has not opened the ticket.
      throw response.ok ? signOnError('mutual-authentication-failed', host, '', error) : error;
    });
    if (response.status === 401) throw signOnError('sign-on-failed', host, 'the service wants more than one exchange');
  } else if (response.status === 401 && !/\bnegotiate\b/i.test(challenge)) {
    throw new TokenError('issuer-refused', `${request.url.origin} does not offer Negotiate: check the address`, {
      status: 401,
    });
  }
  return {
    status: response.status,
    body: await response.text(),
    retryAfter: response.headers.get('retry-after') ?? undefined,
  };
}

/** The token of the one Negotiate challenge; `undefined` where there is none. */
export function replyIn(challenge: string): Uint8Array | undefined {
  const [, base64] = /(?:^|,)\s*Negotiate +([A-Za-z0-9+/]+={0,2})\s*(?:,|$)/i.exec(challenge) ?? [];
  if (base64 === undefined || base64.length % 4 === 1) return undefined;
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
