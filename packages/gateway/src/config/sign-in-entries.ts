/** What an entry of `sign_in` is called: by its `id`, or else by its kind. */
export function entryId(entry: Readonly<Record<string, unknown>>): string | undefined {
  for (const [kind, options] of Object.entries(entry)) {
    if (options === undefined) continue;
    return typeof options === 'object' && options !== null && 'id' in options && typeof options.id === 'string'
      ? options.id
      : kind;
  }
  return undefined;
}
