/**
 * Requests to identity providers: bounded in time and size, no redirect followed, and no
 * plain text but to this very machine. Has the shape of `fetch`, which libraries ask for.
 *
 * @module
 */
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIPv4 } from 'node:net';

/** Why there was no answer that could be used. Nothing that was sent or received is in the message, but for the host. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';
  readonly code: 'address' | 'network' | 'redirect' | 'timeout' | 'too-large';

  constructor(code: OutboundError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface OutboundRequest {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** The way to one provider. */
export interface Outbound {
  /** One request and its whole answer. Throws `OutboundError` and nothing else. */
  fetch(url: string, request: OutboundRequest): Promise<Response>;
  close(): void;
}

export interface OutboundOptions {
  /** PEM of the authorities that servers must chain to; default: those of the system. */
  readonly ca?: string | undefined;
  /** `http://proxy:3128`: where requests to other machines go through. */
  readonly proxy?: string | undefined;
  /** For everything: connecting, sending, the whole answer. */
  readonly timeoutMs: number;
  /** Of one answer; default 512 KiB. */
  readonly maxBytes?: number;
  /** `http://` to this machine is fine: the provider itself runs here, in a test or a demonstration. */
  readonly loopbackHttp: boolean;
}

/** Keeps connections open for the next request; `close` ends them. */
export function openOutbound(options: OutboundOptions): Outbound {
  const { ca, proxy, timeoutMs, maxBytes = 512 * 1024, loopbackHttp } = options;
  const common = { keepAlive: true, maxSockets: 16, timeout: 30_000 };
  const secure = new HttpsAgent({
    ...common,
    ...(ca === undefined ? {} : { ca }),
    ...(proxy === undefined ? {} : { proxyEnv: { HTTPS_PROXY: proxy } }),
  });
  const plain = new HttpAgent(common);

  return {
    fetch(address, { method = 'GET', headers = {}, body, signal }) {
      if (!isProviderUrl(address, loopbackHttp))
        return Promise.reject(new OutboundError('address', 'Cannot ask the provider: its address is not an https URL'));
      const url = new URL(address);
      const bytes = bodyBytes(body);
      const end = AbortSignal.timeout(timeoutMs);
      return new Promise((resolve, reject) => {
        const fail = (error: unknown): void => reject(asOutboundError(error, url.host, end.aborted));
        const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(
          url,
          {
            method,
            headers: {
              ...headers,
              'accept-encoding': 'identity',
              ...(bytes === undefined ? {} : { 'content-length': String(bytes.length) }),
            },
            agent: url.protocol === 'https:' ? secure : plain,
            signal: signal === undefined ? end : AbortSignal.any([end, signal]),
          },
          (message) => {
            readAll(message, maxBytes, url.host).then(resolve, fail);
          },
        );
        request.on('error', fail);
        request.end(bytes);
      });
    },

    close() {
      secure.destroy();
      plain.destroy();
    },
  };
}

async function readAll(message: IncomingMessage, maxBytes: number, host: string): Promise<Response> {
  const status = message.statusCode ?? 0;
  if (status >= 300 && status < 400) {
    message.destroy();
    throw new OutboundError('redirect', `${host} answered with a redirect (${status}), which is not followed`);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) throw new OutboundError('too-large', `${host} answered with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const headers = new Headers();
  for (let i = 0; i < message.rawHeaders.length; i += 2)
    headers.append(message.rawHeaders[i] ?? '', message.rawHeaders[i + 1] ?? '');
  return new Response(length === 0 ? null : Buffer.concat(chunks), { status, headers });
}

function bodyBytes(body: unknown): Uint8Array | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string' || body instanceof URLSearchParams) return Buffer.from(String(body));
  if (body instanceof Uint8Array) return body;
  throw new TypeError('Cannot send the body: only text, forms and bytes are sent to providers');
}

function asOutboundError(error: unknown, host: string, timedOut: boolean): OutboundError {
  if (error instanceof OutboundError) return error;
  if (timedOut) return new OutboundError('timeout', `${host} did not answer in time`);
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return new OutboundError('network', `${host} cannot be asked: ${code}`, { cause: error });
}

/**
 * Whether an address may be asked, or a browser sent to it: `https://`, without a user or password; `http://` for this machine
 * alone, and only where that was said to be fine, so that no provider can have us talk to what listens on our loopback.
 */
export function isProviderUrl(address: string, loopbackHttp: boolean): boolean {
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(address) || !URL.canParse(address)) return false;
  const url = new URL(address);
  if (url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (loopbackHttp && isLoopbackHost(url.hostname));
}

/** Whether a name in a URL stands for this machine. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
}
