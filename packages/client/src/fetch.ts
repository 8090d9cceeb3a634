import { assertMayHaveToken } from './addresses.ts';
import type { KeptToken } from './token-cache.ts';

export interface FetchOptions {
  readonly send: typeof fetch;
  readonly allowHttp: boolean;
  readonly origins: ReadonlySet<string> | undefined;
  readonly token: (signal: AbortSignal | undefined) => Promise<KeptToken>;
  /** One in place of a token that was refused; `undefined` where another would be refused as well. */
  readonly another: (old: KeptToken, signal: AbortSignal | undefined) => Promise<KeptToken | undefined>;
}

/** A `fetch` that sends the token in place of any other `Authorization`, and once more with a new one after a 401. */
export function fetchWithToken({ send, allowHttp, origins, token, another }: FetchOptions): typeof fetch {
  return async (input, init) => {
    // Not by instanceof: it may be the Request of another fetch than the global one.
    const isAddress = typeof input === 'string' || input instanceof URL;
    const request = isAddress ? undefined : input;
    assertMayHaveToken(new URL(isAddress ? input : input.url), origins, allowHttp);
    const signal = init?.signal ?? request?.signal;
    const sendWith = ({ value }: KeptToken): Promise<Response> => {
      const headers = new Headers(init?.headers ?? request?.headers);
      headers.set('Authorization', `Bearer ${value}`);
      return send(input, { ...init, headers });
    };
    const first = await token(signal);
    const response = await sendWith(first);
    if (response.status !== 401 || !canRepeat(request, init?.body)) return response;
    const second = await another(first, signal);
    if (second === undefined) return response;
    await response.body?.cancel();
    return sendWith(second);
  };
}

/** Streams are gone once they are sent; everything else can be sent again. */
function canRepeat(request: Request | undefined, body: unknown): boolean {
  if (body === undefined || body === null) return request === undefined || request.body === null;
  return (
    typeof body === 'string' ||
    body instanceof URLSearchParams ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body) ||
    body instanceof Blob ||
    body instanceof FormData
  );
}
