/**
 * Rules as the configuration states them. Conditions in one rule must all hold;
 * values in one condition are alternatives. The first rule whose `path` and
 * `methods` fit decides; when none fits, the answer is refusal.
 *
 * @module
 */
export interface Rule {
  /** Glob over the canonical path: `*` within one segment, `**` for any number of segments. */
  readonly path: string;
  /** Only for these methods, in upper case; default: all. */
  readonly methods?: readonly string[] | undefined;
  /** Anybody, signed in or not. Stands alone. */
  readonly public?: true | undefined;
  /** Anybody who is signed in. */
  readonly signed_in?: true | undefined;
  /** Member of one of these groups, by name (without regard to case, as in AD) or by SID. */
  readonly groups?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly module?: string | undefined;
  /** The request carries every one of these. */
  readonly credentials?: readonly string[] | undefined;
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
