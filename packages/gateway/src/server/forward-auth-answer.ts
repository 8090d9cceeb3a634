import { type Fields, fieldValues } from '../wire/fields.ts';
import type { Reply, RequestHead } from '../wire/http.ts';
import type { Judgement } from './forward-auth.ts';
import type { Dialect } from '../wire/forward-auth-question.ts';

/**
 * A judgement as this proxy understands it: 200 with what the app is to get, or a refusal that it can pass on. `prefix` is where
 * our own endpoints are.
 */
export function answerOf(judgement: Judgement, original: RequestHead, dialect: Dialect, prefix: string): Reply {
  if (judgement.allow) return { status: 200, fields: allowFields(judgement, dialect), body: '' };
  if (dialect.statusOnly) return statusOnly(judgement.reply, original, prefix);
  return dialect.absoluteLocation ? withAbsoluteLocation(judgement.reply, original) : judgement.reply;
}

function allowFields(judgement: Extract<Judgement, { allow: true }>, dialect: Dialect): Fields {
  const { identityFields, clientFields, responseFields, target } = judgement;
  const fields = ['Cache-Control', 'no-store', ...identityFields, ...clientFields];
  if (dialect.retargets) fields.push('X-Cardea-Target', target);
  if (dialect.removal !== undefined) {
    const removed = judgement.removed();
    if (removed.length > 0) fields.push(dialect.removal, removed.join(', '));
  }
  if (responseFields.length > 0) fields.push(...responseFields, ...numbered(responseFields));
  return fields;
}

/** Some proxies can read one field of a name, or all of them as a list, and a cookie cannot be in a list (RFC 6265, 3). */
const numbered = (fields: Fields): Fields =>
  fieldValues(fields, 'set-cookie').flatMap((cookie, i) => [`X-Cardea-Set-Cookie-${i + 1}`, cookie]);

/**
 * For a proxy that knows 401 and 403 alone. Its configuration makes of them what `X-Cardea-Status` says, sends browsers
 * to `X-Cardea-Location`, or shows them the page at `X-Cardea-Page`.
 */
function statusOnly(reply: Reply, original: RequestHead, prefix: string): Reply {
  const { status, fields } = reply;
  const [location] = fieldValues(fields, 'location');
  const out = ['Cache-Control', 'no-store', 'X-Cardea-Status', String(status)];
  if (location !== undefined) out.push('X-Cardea-Location', location);
  const isPage = fieldValues(fields, 'content-type').some((type) => type.startsWith('text/html'));
  if (status === 401 && isPage) {
    const repeatable = original.method === 'GET' || original.method === 'HEAD';
    const target = repeatable ? original.target : '/';
    out.push('X-Cardea-Page', `${prefix}/login?return=${encodeURIComponent(target)}`);
  }
  for (const challenge of fieldValues(fields, 'www-authenticate')) out.push('WWW-Authenticate', challenge);
  for (const after of fieldValues(fields, 'retry-after')) out.push('Retry-After', after);
  for (const cookie of fieldValues(fields, 'set-cookie')) out.push('Set-Cookie', cookie);
  out.push(...numbered(fields));
  // A redirect is a sign-in that is missing, or a page for those who may not: either way the configuration sends it.
  return { status: status === 401 || location !== undefined ? 401 : 403, fields: out, body: '' };
}

/** The same place, whole: as the browser has it. Only for what the pipeline has read, and so for a host that is one. */
function withAbsoluteLocation(reply: Reply, original: RequestHead): Reply {
  const at = reply.fields.findIndex((name, i) => i % 2 === 0 && name === 'Location');
  const location = reply.fields[at + 1];
  const [host] = fieldValues(original.fields, 'host');
  const [proto] = fieldValues(original.fields, 'x-forwarded-proto');
  if (at === -1 || location?.startsWith('/') !== true || host === undefined || proto === undefined) return reply;
  const scheme = proto.trim().toLowerCase().replace(/^ws/, 'http');
  return { ...reply, fields: reply.fields.with(at + 1, `${scheme}://${host}${location}`) };
}
