/**
 * What `npm test` says about a file in which something failed. Of a long run often only a part of the output is kept, so
 * this is short, and what a test said comes before everything else.
 *
 * @module
 */

/** One test, suite or hook that failed. */
export interface Failure {
  readonly name: string;
  /** The error with its stack, over several lines. */
  readonly text: string;
  /** It failed only because something in it did. */
  readonly byOthers: boolean;
}

const greatestWidth = 300;
/** Of one failure, if there are many. */
const fewestLines = 3;

/** The failures of one file and the end of what it has printed, in at most so many lines. */
export function failureReport(
  file: string,
  failures: readonly Failure[],
  printed: string,
  { greatestLines = 40 } = {},
): string {
  const own = failures.filter(({ byOthers }) => !byOthers);
  const told = own.length === 0 ? failures : own;
  const shown = told.slice(0, Math.floor((greatestLines - 2) / fewestLines));
  const more = told.length > shown.length ? [`and ${told.length - shown.length} more`] : [];
  // Each gets its share of the room, and what a short one leaves goes to those after it.
  const report = [`FAIL ${file}`];
  for (const [i, { name, text }] of shown.entries()) {
    const room = Math.floor((greatestLines - more.length - report.length) / (shown.length - i));
    report.push(...shortened([`- ${name}`, ...indented(text.split('\n').filter(isOurs))], room));
  }
  report.push(...more);
  const output = printed.split('\n').filter((line) => line.trim() !== '');
  const room = greatestLines - report.length - 1;
  if (room > 0 && output.length > 0) report.push('The last that it printed:', ...indented(output.slice(-room)));
  return report.map(narrow).join('\n');
}

/** Frames of Node's own say nothing about the failure. */
const isOurs = (line: string): boolean => line.trim() !== '' && !/^\s+at .*\(?node:internal\//.test(line);

const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => `    ${line}`);

const narrow = (line: string): string => (line.length > greatestWidth ? `${line.slice(0, greatestWidth)} ...` : line);

function shortened(lines: readonly string[], room: number): readonly string[] {
  if (lines.length <= room) return lines;
  return [...lines.slice(0, room - 1), `    ... ${lines.length - room + 1} more lines`];
}
