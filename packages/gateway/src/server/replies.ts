/**
 * Our own answers, for a person as a page, for a program as JSON. Refusals look the
 * same from outside whatever the reason inside; the request's number leads to the reason in the audit log.
 *
 * @module
 */
import type { Fields } from '../wire/fields.ts';
import type { Reply } from '../wire/http.ts';
import type { Page } from './pages/layout.ts';

const jsonFields: Fields = [
  'Content-Type',
  'application/json; charset=utf-8',
  'Cache-Control',
  'no-store',
  'X-Content-Type-Options',
  'nosniff',
];

/** An answer for a program. `error` is a stable word; `message` says what to do. */
export interface ProgramError {
  readonly error: string;
  readonly message: string;
  /** Absent for what could not be read as a request at all. */
  readonly requestId: string | undefined;
  readonly signInUrl?: string;
}

/** A page of ours. */
export function pageReply(status: number, page: Page, extra: Fields = []): Reply {
  return { status, fields: [...page.fields, ...extra], body: page.text };
}

/** JSON for a program. */
export function jsonReply(status: number, body: ProgramError, extra: Fields = []): Reply {
  return { status, fields: [...jsonFields, ...extra], body: `${JSON.stringify(body)}\n` };
}

/** Sends a browser elsewhere with GET (RFC 9110, 15.4.4); never cached. */
export function redirectReply(location: string, extra: Fields = []): Reply {
  return { status: 303, fields: ['Location', location, 'Cache-Control', 'no-store', ...extra], body: '' };
}

/** The Fetch standard's form of a reply, for our own endpoints. */
export function toResponse(reply: Reply): Response {
  const headers = new Headers();
  for (let i = 0; i < reply.fields.length; i += 2) headers.append(reply.fields[i] ?? '', reply.fields[i + 1] ?? '');
  return new Response(typeof reply.body === 'string' ? reply.body : Buffer.from(reply.body), {
    status: reply.status,
    headers,
  });
}
