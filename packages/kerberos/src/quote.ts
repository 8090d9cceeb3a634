const longest = 120;

/**
 * A name from a peer or a file as it may stand in a message: in quotes, short, and without characters that end a line,
 * hide text or turn its direction.
 */
export function quote(text: string): string {
  const visible = text.replace(/[\p{C}\p{Zl}\p{Zp}"]/gu, '?');
  return visible.length <= longest ? `"${visible}"` : `"${visible.slice(0, longest)}..."`;
}

/** Several names; the first five, and how many more there are. */
export function quoteAll(names: readonly string[]): string {
  const first = names.slice(0, 5).map(quote).join(', ');
  return names.length > 5 ? `${first} and ${names.length - 5} more` : first;
}
