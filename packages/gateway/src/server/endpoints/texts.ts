/**
 * What a program or a form sends to an endpoint of ours: a few texts by name.
 *
 * @module
 */

export type Texts =
  | { readonly kind: 'ok'; readonly texts: ReadonlyMap<string, string> }
  /** In words for whoever has written the caller. */
  | { readonly kind: 'wrong'; readonly status: 400 | 415; readonly message: string };

/**
 * Reads a request's body as JSON (one object of texts) or as a form. Names that are not in `known`, names that come twice
 * and values that are no texts are refused: a caller who means something by them would wait for it in vain. A form's `csrf`
 * has been looked at before.
 */
export async function readTexts(request: Request, known: readonly string[]): Promise<Texts> {
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  const body = await request.text();
  const entries =
    type === 'application/json'
      ? jsonEntries(body)
      : type === 'application/x-www-form-urlencoded'
        ? [...new URLSearchParams(body)]
        : undefined;
  if (entries === undefined) return wrong(415, 'Send JSON (Content-Type: application/json) or a form');
  if (entries === 'not-an-object') return wrong(400, 'The body is not one JSON object');
  const texts = new Map<string, string>();
  for (const [name, value] of entries) {
    if (name === 'csrf') continue;
    if (!known.includes(name)) return wrong(400, `A name is unknown. Known are: ${known.join(', ')}`);
    if (typeof value !== 'string') return wrong(400, `${name} is not a text`);
    if (texts.has(name)) return wrong(400, `${name} occurs twice`);
    texts.set(name, value);
  }
  return { kind: 'ok', texts };
}

function jsonEntries(body: string): readonly (readonly [string, unknown])[] | 'not-an-object' {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return 'not-an-object';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not-an-object';
  return Object.entries(value);
}

const wrong = (status: 400 | 415, message: string): Texts => ({ kind: 'wrong', status, message });
