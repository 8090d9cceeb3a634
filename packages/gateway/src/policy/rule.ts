/**
 * Rules as the configuration states them. Conditions in one rule must all hold;
 * values in one condition are alternatives. The first rule whose `path` and
 * `methods` fit decides; when none fits, the answer is refusal.
 *
 * Every rule but a public one asks for a sign-in before anything else, whatever its conditions are: no condition, and no
 * `not`, is about somebody who has not signed in.
 *
 * @module
 */
export interface Rule extends Terms {
  /** Glob over the canonical path: `*` within one segment, `**` for any number of segments. */
  readonly path: string;
  /** Only for these methods, in upper case; default: all. */
  readonly methods?: readonly string[] | undefined;
  /** Anybody, signed in or not. Stands alone, or beside `networks` and `between`. */
  readonly public?: true | undefined;
}

/** Conditions that must all hold. They nest by `any_of`, `all_of` and `not`. */
export interface Terms {
  /** Anybody who is signed in. */
  readonly signed_in?: true | undefined;
  /** Signed in no longer ago than this, in milliseconds. */
  readonly max_age?: number | undefined;
  /** The client's address lies in one of these networks. */
  readonly networks?: readonly string[] | undefined;
  /** It is one of these times (`parseHours`). */
  readonly between?: readonly string[] | undefined;
  /** Signed in by one of these: names of `sign_in` entries, or kinds of them. */
  readonly signed_in_by?: readonly string[] | undefined;
  /** Member of one of these groups, by name (without regard to case, as in AD) or by SID. */
  readonly groups?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly module?: string | undefined;
  /** The request carries every one of these. */
  readonly credentials?: readonly string[] | undefined;
  /** All of this does not hold. */
  readonly not?: Terms | undefined;
  /** Each of these holds. */
  readonly all_of?: readonly Terms[] | undefined;
  /** One of these holds. */
  readonly any_of?: readonly Terms[] | undefined;
}

/** How deep terms may nest below a rule, and how many conditions a rule may have with all that are nested. */
export const termBounds = { depth: 4, conditions: 64 } as const;

/** Terms with all that are nested in them, outermost first, and the way to each. */
export function allTerms(
  terms: Terms,
  at: readonly (string | number)[] = [],
  negated = false,
): readonly { readonly terms: Terms; readonly at: readonly (string | number)[]; readonly negated: boolean }[] {
  const { any_of: any = [], all_of: all = [], not } = terms;
  return [
    { terms, at, negated },
    ...all.flatMap((inner, i) => allTerms(inner, [...at, 'all_of', i], negated)),
    ...any.flatMap((inner, i) => allTerms(inner, [...at, 'any_of', i], negated)),
    ...(not === undefined ? [] : allTerms(not, [...at, 'not'], !negated)),
  ];
}

/** What a request may prove with who is there. `session` stands for every method that begins one. */
export const credentialKinds = [
  'session',
  'api_key',
  'bearer',
  'stream_token',
  'approval',
  'trusted_header',
  'client_certificate',
] as const;

/** A role: who has it, and which modules it opens (`*` opens all). */
export interface Role {
  readonly groups: readonly string[];
  readonly modules: readonly string[];
}
