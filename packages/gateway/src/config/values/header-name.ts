import { foldFieldName } from '../../wire/field-names.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/;

/**
 * Names that mean something to HTTP itself or to browsers. An identity value in one of these would change how
 * a message is framed, routed or trusted, or would be lost on the way. Folded.
 */
const reserved: ReadonlySet<string> = new Set(
  `accept accept-charset accept-encoding accept-language age authorization cache-control connection content-encoding
   content-length content-location content-range content-type cookie cookie2 date dnt etag expect forwarded host
   if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive last-modified location
   max-forwards mime-version origin pragma proxy proxy-authenticate proxy-authorization proxy-connection range referer
   server set-cookie te trailer transfer-encoding upgrade upgrade-insecure-requests user-agent vary via warning
   www-authenticate x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-http-method-override
   x-original-url x-rewrite-url x-real-ip x-requested-with`.split(/\s+/),
);

const reservedPrefixes = ['sec-', 'proxy-', 'access-control-'];

/** The name of a request header field that may carry an identity value (RFC 9110, 5.1). Spelling is kept. */
export function parseHeaderName(text: string): Parsed<string> {
  if (!token.test(text))
    return wrong(`"${text}" is not a header name`, 'Use letters, digits and hyphens only, for example X-Remote-User.');
  const folded = foldFieldName(text);
  if (reserved.has(folded) || reservedPrefixes.some((prefix) => folded.startsWith(prefix)))
    return wrong(`"${text}" has a meaning of its own in HTTP`, 'Choose another name, for example X-Remote-User.');
  return ok(text);
}
