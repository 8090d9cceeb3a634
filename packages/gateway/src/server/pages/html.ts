/**
 * Text that is safe to send as HTML. The only ways to make one are the `html` tag,
 * which escapes every value that is not itself `Html`, and `verbatim` for constants.
 */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Template tag: values are escaped for element contents and quoted attributes; `undefined` and `false` vanish. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[] | undefined | false)[]
): Html {
  let text = parts[0] ?? '';
  for (const [i, value] of values.entries()) text += escape(value) + (parts[i + 1] ?? '');
  return new Html(text);
}

/** Markup that the source code itself contains. Never call it with anything that came from outside. */
export const verbatim = (text: string): Html => new Html(text);

function escape(value: string | number | Html | readonly Html[] | undefined | false): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map((item) => item.text).join('');
  return String(value).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
