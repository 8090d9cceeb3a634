import type { Problem } from '../config/problem.ts';

/** Problems as a compiler prints them, errors first: place, what is wrong, what to do. */
export function formatProblems(problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const warnings = problems.filter(({ severity }) => severity === 'warning');
  return [...errors, ...warnings].map(problemText).join('');
}

function problemText({ severity, file, line, column, path, message, fix }: Problem): string {
  const kind = severity === 'warning' ? 'warning: ' : '';
  const place = path === '' ? '' : `${path}: `;
  return `${file}:${line}:${column}: ${kind}${place}${message}\n    what to do: ${fix}\n`;
}

/** `2 errors, 1 warning`. */
export function countText(problems: readonly Problem[]): string {
  const count = (severity: Problem['severity'], word: string): string[] => {
    const number = problems.filter((problem) => problem.severity === severity).length;
    return number === 0 ? [] : [`${number} ${word}${number === 1 ? '' : 's'}`];
  };
  return [...count('error', 'error'), ...count('warning', 'warning')].join(', ');
}
