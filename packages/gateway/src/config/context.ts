import type { Secret } from '../core/secret.ts';
import type { Parsed } from './parsed.ts';
import { type Leaf, leaf } from './values/leaf.ts';

/** What reading a configuration needs from outside the text. The schema is made for one such context. */
export interface SchemaContext {
  /** The absolute path of a file that is named relative to the configuration file. */
  readonly path: (text: string) => Parsed<string>;
  /** The value behind `${env:NAME}` or `${file:/path}`. No problem it reports contains the value. */
  readonly secret: (text: string) => Parsed<Secret>;
}

export const file = (context: SchemaContext, example: string): Leaf<string> =>
  leaf('file', example, (text) => context.path(text));

export const folder = (context: SchemaContext, example: string): Leaf<string> =>
  leaf('directory', example, (text) => context.path(text));

/** The type name `secret` is also the mark by which other code knows that a value may be a reference. */
export const secret = (context: SchemaContext, example: string): Leaf<Secret> =>
  leaf('secret', example, (text) => context.secret(text));
