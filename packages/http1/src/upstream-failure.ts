import type { UpstreamFailure } from './exchange.ts';

type Code = UpstreamFailure['code'];

/** Found by our own clock or reader: an upstream that is late, or that breaks HTTP. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly code: Code;

  constructor(code: Code, message: string) {
    super(message);
    this.code = code;
  }
}

const CODES: Readonly<Record<string, Code>> = {
  ECONNREFUSED: 'connect-refused',
  ETIMEDOUT: 'connect-timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ENOTFOUND: 'name',
  EAI_AGAIN: 'name',
  EAI_FAIL: 'name',
  EPROTO: 'tls',
};

const TLS_CODE =
  /^(?:ERR_SSL|ERR_TLS|ERR_OSSL|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/;

/** What an error of a socket, of TLS or of our own means for the administrator. */
export function failureOf(error: unknown, origin: string): UpstreamFailure {
  const code = codeOf(error);
  const text = error instanceof Error ? firstLine(error) : '';
  return { code: meaning(error, code), detail: `${origin}: ${text === '' ? (code ?? 'unknown error') : text}` };
}

function meaning(error: unknown, code: string | undefined): Code {
  if (error instanceof UpstreamError) return error.code;
  if (code === undefined) return 'other';
  if (TLS_CODE.test(code)) return 'tls';
  return CODES[code] ?? 'other';
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** OpenSSL reports several lines; several addresses of one name give an AggregateError without a text of its own. */
function firstLine(error: Error): string {
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  const { message } = error.message === '' && inner instanceof Error ? inner : error;
  return message.split('\n', 1)[0] ?? '';
}
