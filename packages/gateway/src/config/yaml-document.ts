import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { type Finding, type Path, pathText, type Problem } from './problem.ts';
import { faultOf } from './yaml-faults.ts';

/** A YAML file that was read: plain data, and for each value its place in the text. */
export interface YamlDocument {
  /** Maps, lists and scalars. `undefined` when the text is not YAML at all. */
  readonly value: unknown;
  /** Faults of the YAML itself. */
  readonly problems: readonly Problem[];
  /** Puts a finding in its place: at the value, or at the nearest thing above it that is there. */
  locate(finding: Finding): Problem;
}

const largestFile = 1024 * 1024;

/**
 * Reads YAML 1.2 strictly: keys are unique and text, no tags, one document, aliases bounded, 1 MiB at most.
 * The parser's own words are not passed on, because they quote the text and the text may be a password.
 */
export function readYaml(text: string, file: string): YamlDocument {
  const lines = new LineCounter();
  const problemAt = (
    offset: number,
    path: string,
    severity: Finding['severity'],
    message: string,
    fix: string,
  ): Problem => {
    const { line, col } = lines.linePos(offset);
    return { severity, file, line: Math.max(1, line), column: Math.max(1, col), path, message, fix };
  };
  if (text.length > largestFile) {
    const problem = problemAt(
      0,
      '',
      'error',
      'the file is larger than 1 MiB',
      'A configuration is a few pages: is this the right file?',
    );
    return { value: undefined, problems: [problem], locate: () => problem };
  }

  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    version: '1.2',
    keepSourceTokens: false,
  });
  const root: Node | null = document.contents;
  const problems = [...document.errors, ...document.warnings]
    .map(({ code, pos }) => problemAt(pos[0], '', 'error', faultOf(code).message, faultOf(code).fix))
    // What follows on the same line is mostly an echo of the first fault.
    .filter(({ line }, i, all) => all.findIndex((other) => other.line === line) === i);
  // A tag may change what a value is (!!binary, !!set); the parser knows more of them than it says it does.
  visit(document, {
    Node(_key, { tag, range }) {
      if (tag === undefined || problems.length > 0) return;
      const { message, fix } = faultOf('TAG_RESOLVE_FAILED');
      problems.push(problemAt(range?.[0] ?? 0, '', 'error', message, fix));
    },
  });
  if (document.directives?.yaml.version === '1.1')
    problems.push(problemAt(0, '', 'error', 'YAML 1.1 is asked for, where "no" means false', 'Remove the %YAML line.'));

  // After a broken line the parser guesses how to go on; what it guessed is not worth judging.
  const usable = problems.length === 0 || document.errors.every((error) => error.code === 'DUPLICATE_KEY');
  let value: unknown;
  try {
    value = usable ? document.toJS({ maxAliasCount: 50 }) : undefined;
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    problems.push(problemAt(0, '', 'error', 'the aliases (*name) grow beyond all measure', 'Write the values out.'));
  }

  const offsetOf = (path: Path, atKey: boolean): number => {
    let node: Node | null | undefined = root;
    let offset = root?.range?.[0] ?? 0;
    for (const [i, part] of path.entries()) {
      if (isAlias(node)) node = node.resolve(document);
      if (isMap(node)) {
        // A value alone where a list may stand is the list's first: `listen[0]` is `listen`.
        if (part === 0) continue;
        const pair: { key: unknown; value: unknown } | undefined = node.items.find(
          (item) => isScalar(item.key) && item.key.value === part,
        );
        if (pair === undefined) return offset;
        const key = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
        node = isNode(pair.value) ? pair.value : undefined;
        const empty = isScalar(node) && node.value === null;
        offset =
          (atKey && i === path.length - 1) || node === undefined || empty
            ? (key ?? offset)
            : (node.range?.[0] ?? key ?? offset);
      } else if (isSeq(node) && typeof part === 'number') {
        const item: unknown = node.items[part];
        if (!isNode(item)) return offset;
        node = item;
        offset = item.range?.[0] ?? offset;
      } else return offset;
    }
    return offset;
  };

  return {
    value,
    problems,
    locate: ({ path, atKey, severity, message, fix }) =>
      problemAt(offsetOf(path, atKey === true), pathText(path), severity, message, fix),
  };
}

const isNode = (value: unknown): value is Node => isMap(value) || isSeq(value) || isScalar(value) || isAlias(value);
