import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import type { PasswordUser } from '../auth/password-users.ts';
import { Secret } from '../core/secret.ts';
import type { CheckContext, Partly } from './checks/check.ts';
import { checkExpectations } from './checks/expectations.ts';
import { checks } from './checks/registry.ts';
import { checkGroupsOfUsers } from './checks/groups-of-users.ts';
import { checkUsers } from './checks/users.ts';
import type { SchemaContext } from './context.ts';
import { explainIssue } from './explain-issue.ts';
import { type Files, openFiles } from './files.ts';
import { emptyContext, inputSchema } from './json-schema.ts';
import { misplacedReferences } from './misplaced-references.ts';
import { ok } from './parsed.ts';
import { type Finding, inReadingOrder, pathText, type Problem } from './problem.ts';
import { type Config, configSchema, sections } from './schema.ts';
import { readSecret } from './secrets.ts';
import { readYaml } from './yaml-document.ts';

/** A configuration that may be run, with everything that was read for it. */
export interface Loaded {
  readonly config: Config;
  /** The people of `sign_in`'s `password`. */
  readonly users: readonly PasswordUser[];
  /** Read the files that the configuration names from here: they are the ones that were checked. */
  readonly files: Files;
}

export type LoadResult =
  /** `problems` are warnings. */
  | ({ readonly kind: 'ok'; readonly problems: readonly Problem[] } & Loaded)
  /** At least one is an error. */
  | {
      readonly kind: 'wrong';
      readonly problems: readonly Problem[];
      /** What can be looked at nevertheless, where the shape is right. It must not be run. */
      readonly faulty?: Loaded;
    };

export interface LoadOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch: certificates expire. */
  readonly now: number;
  /** What problems call the file; default: the path as given. */
  readonly name?: string;
  /**
   * Whether to look at the files and environment variables that the configuration names. Without, only its text is
   * checked, secrets are empty, and the result must not be run.
   */
  readonly withFiles?: boolean;
  /** Refuses what is for development alone. */
  readonly production?: boolean;
  /** Whether to try what the configuration expects of its rules; default: yes. */
  readonly withExpectations?: boolean;
}

/**
 * Reads and checks a configuration. All problems are found in one go: those of the YAML, of the shape, and, as far as
 * the shape holds, of what the parts say about each other and of the files they name. May be called again at any time.
 */
export function loadConfig(path: string, options: LoadOptions): LoadResult {
  const name = options.name ?? path;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const message = code === 'ENOENT' ? 'there is no such file' : `the file cannot be read (${code})`;
    const problem: Problem = {
      severity: 'error',
      file: name,
      line: 1,
      column: 1,
      path: '',
      message,
      fix: 'Name the configuration file, or see whether this user may read it.',
    };
    return { kind: 'wrong', problems: [problem] };
  }
  return checkConfig(text, name, openFiles(dirname(resolve(path))), options);
}

/** As `loadConfig`, for a text that has been read already. */
export function checkConfig(text: string, name: string, files: Files, options: LoadOptions): LoadResult {
  const document = readYaml(text, name);
  if (document.value === undefined) return { kind: 'wrong', problems: inReadingOrder(document.problems) };
  const data = document.value ?? {};
  const elsewhere: Problem[] = [];
  const inline = new Set<Secret>();
  const withFiles = options.withFiles ?? true;
  const context: SchemaContext = withFiles
    ? {
        path: (value) => ok(files.absolute(value)),
        secret: (value) => readSecret(value, { env: options.env, files, inline }),
      }
    : emptyContext;

  const result = configSchema(context).safeParse(data);
  const misplaced = misplacedReferences(data, inputSchema);
  const places = new Set(misplaced.map(({ path }) => pathText(path)));
  const shape = result.success ? [] : explainIssues(result.error.issues, data);
  const findings: Finding[] = [...misplaced, ...shape.filter(({ path }) => !places.has(pathText(path)))];

  const checked: CheckContext = {
    config: result.success ? result.data : wellShapedParts(data, context),
    files: withFiles ? files : undefined,
    now: options.now,
    inline,
    production: options.production ?? false,
    report: (finding) => findings.push(finding),
    reportElsewhere: (problem) => elsewhere.push(problem),
  };
  for (const check of checks) check(checked);
  const users = checkUsers(checked);
  checkGroupsOfUsers(checked, users);
  if (options.withExpectations ?? true) checkExpectations(checked, users);

  const problems = inReadingOrder([
    ...document.problems,
    ...findings.map((finding) => document.locate(finding)),
    ...elsewhere,
  ]);
  if (!result.success) return { kind: 'wrong', problems };
  if (problems.some(({ severity }) => severity === 'error'))
    return { kind: 'wrong', problems, faulty: { config: result.data, users, files } };
  return { kind: 'ok', config: result.data, users, files, problems };
}

/** What is right in a configuration that is wrong elsewhere. A section that is absent counts with its defaults. */
function wellShapedParts(data: unknown, context: SchemaContext): Partly {
  const written: Record<string, unknown> = typeof data === 'object' && data !== null ? { ...data } : {};
  const shapes = sections({
    path: context.path,
    // Reported already. What stands beside an unreadable secret is checked all the same.
    secret(value) {
      const read = context.secret(value);
      return read.kind === 'ok' ? read : ok(new Secret(''));
    },
  });
  const part = <K extends keyof Config>(key: K): Config[K] | undefined =>
    shapes[key].safeParse(written[key]).data as Config[K] | undefined;
  const apps: readonly unknown[] = Array.isArray(written['apps']) ? written['apps'] : [];
  return {
    listen: part('listen'),
    admin: part('admin'),
    trusted_proxies: part('trusted_proxies'),
    prefix: part('prefix'),
    forward_auth: part('forward_auth'),
    state: part('state'),
    session: part('session'),
    redis: part('redis'),
    sign_in: part('sign_in'),
    directory: part('directory'),
    authorization_api: part('authorization_api'),
    roles: part('roles'),
    issuer: part('issuer'),
    pages: part('pages'),
    limits: part('limits'),
    threads: part('threads'),
    audit: part('audit'),
    usage: part('usage'),
    log: part('log'),
    apps: apps.map((app) => shapes.apps.safeParse([app]).data?.[0]),
  };
}

function explainIssues(issues: readonly z.core.$ZodIssue[], data: unknown): Finding[] {
  const schema = inputSchema();
  return issues.flatMap((issue) => explainIssue(issue, { schema, data }));
}
