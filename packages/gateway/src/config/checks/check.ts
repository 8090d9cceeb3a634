import type { Secret } from '../../core/secret.ts';
import { allTerms, type Terms } from '../../policy/rule.ts';
import type { Files } from '../files.ts';
import type { Finding, Path, Problem } from '../problem.ts';
import type { App, Config } from '../schema.ts';

/**
 * As much of a configuration as has the right shape. A section with a fault is `undefined`, and so is a faulty app
 * in the list, so that one mistake does not hide the others.
 */
export type Partly = {
  readonly [Section in Exclude<keyof Config, 'apps'>]: Config[Section] | undefined;
} & {
  /** In the places where the file has them. */
  readonly apps: readonly (App | undefined)[];
};

/** What a check may look at, and where it reports. Paths are those of the YAML. */
export interface CheckContext {
  readonly config: Partly;
  /** `undefined` when files are not to be looked at. */
  readonly files: Files | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Secrets that stand in the configuration itself. */
  readonly inline: ReadonlySet<Secret>;
  /** Whether the configuration is meant for production: what is for development alone is an error. */
  readonly production?: boolean;
  readonly report: (finding: Finding) => void;
  /** For problems in another file. */
  readonly reportElsewhere: (problem: Problem) => void;
}

/** One thing to check that the shape of a configuration cannot say. It reports everything it finds. */
export type Check = (context: CheckContext) => void;

export const error = (path: Path, message: string, fix: string): Finding => ({ severity: 'error', path, message, fix });
export const warning = (path: Path, message: string, fix: string): Finding => ({
  severity: 'warning',
  path,
  message,
  fix,
});

/** The apps that have the right shape, with their places in the file. */
export const wellFormedApps = ({
  apps,
}: Partly): readonly { readonly app: App; readonly at: readonly ['apps', number] }[] =>
  apps.flatMap((app, i) => (app === undefined ? [] : [{ app, at: ['apps', i] as const }]));

/** All conditions of an app's rules, nested ones too, with their places in the file. */
export const termsOf = (
  app: App,
  at: Path,
): readonly { readonly terms: Terms; readonly place: Path; readonly negated: boolean }[] =>
  app.rules.flatMap((rule, i) =>
    allTerms(rule).map(({ terms, at: inner, negated }) => ({ terms, place: [...at, 'rules', i, ...inner], negated })),
  );
