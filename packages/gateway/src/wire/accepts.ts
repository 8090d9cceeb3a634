import { fieldValues, singleField } from './fields.ts';
import type { RequestHead } from './http.ts';

/** Where a page is shown to a person: the tab itself or a frame in it. */
const PAGES: ReadonlySet<string> = new Set(['document', 'iframe', 'frame']);

/** How a browser asks for what it shows: by address, or with a form. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST']);

/**
 * Whether a person is looking at the answer, so that it may be a page or a redirect to sign in; otherwise a program
 * asks, and gets a status and JSON. A form that a page has sent is a person's as well. Browsers say so themselves (Fetch Metadata); for the others, whoever names
 * `text/html` in `Accept` wants a page, and whoever takes just anything, as curl does, is a program.
 */
export function wantsPage(head: Pick<RequestHead, 'method' | 'fields' | 'upgrade'>): boolean {
  if (head.upgrade || !METHODS.has(head.method)) return false;
  const requestedWith = fieldValues(head.fields, 'x-requested-with');
  if (requestedWith.some((value) => value.toLowerCase() === 'xmlhttprequest')) return false;

  const mode = singleField(head.fields, 'sec-fetch-mode');
  if (mode === undefined) return fieldValues(head.fields, 'accept').some(namesHtml);
  if (mode === 'ambiguous' || mode.value !== 'navigate') return false;
  const destination = singleField(head.fields, 'sec-fetch-dest');
  return destination === undefined || (destination !== 'ambiguous' && PAGES.has(destination.value));
}

const namesHtml = (accept: string): boolean =>
  accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return type === 'text/html' && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
