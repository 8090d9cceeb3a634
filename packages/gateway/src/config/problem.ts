/** The way from the top of a file to a value: keys, and places in lists counted from 0. */
export type Path = readonly (string | number)[];

/** Something in a configuration file that is wrong, or (a warning) right but better changed. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  /** As the administrator named it, or relative to the configuration. */
  readonly file: string;
  /** Both counted from 1. */
  readonly line: number;
  readonly column: number;
  /** `apps[0].upstream`; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong. Never contains a secret. */
  readonly message: string;
  /** What to do about it. */
  readonly fix: string;
}

/** A problem before its place in the file is known. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly path: Path;
  /** Points at the key instead of the value: for keys that should not be there. */
  readonly atKey?: boolean;
  readonly message: string;
  readonly fix: string;
}

/** `['apps', 0, 'upstream']` as `apps[0].upstream`. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** Problems in the order of reading: by file, errors and warnings mixed, from top to bottom. */
export function inReadingOrder(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map((problem) => problem.file))];
  return problems.toSorted(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}
