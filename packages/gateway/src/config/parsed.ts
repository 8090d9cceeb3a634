/** What came of reading one value: the value, or what is wrong with it and what to do, in words for an administrator. */
export type Parsed<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'wrong'; readonly message: string; readonly fix: string };

export const ok = <T>(value: T): Parsed<T> => ({ kind: 'ok', value });
export const wrong = (message: string, fix: string): Parsed<never> => ({ kind: 'wrong', message, fix });
