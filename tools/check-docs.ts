/**
 * Keeps the documents honest: relative links lead somewhere, every exported name of
 * the packages has a doc comment at its file or itself, and no document or source names a path of
 * somebody's machine.
 *
 * @module
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Relative links of one Markdown text that lead nowhere. */
export function brokenLinks(path: string, text: string, exists: (path: string) => boolean): string[] {
  const problems: string[] = [];
  for (const [, link = ''] of text.replace(/```[\s\S]*?```/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:|^#/.test(link)) continue;
    const target = join(dirname(path), link.split('#')[0] ?? '');
    if (!exists(target)) problems.push(`${path}: the link ${link} leads nowhere`);
  }
  return problems;
}

/** Exported functions, classes and constants without a doc comment right above them. */
export function undocumentedExports(path: string, text: string): string[] {
  const problems: string[] = [];
  const lines = text.split('\n');
  for (const [i, line] of lines.entries()) {
    const name = /^export (?:async )?(?:function\*?|class|abstract class) ([A-Za-z0-9_]+)/.exec(line)?.[1];
    if (name !== undefined && !(lines[i - 1] ?? '').trimEnd().endsWith('*/')) {
      const fileSpeaks = /@module/.test(text) && /class/.test(line) && /Error\b/.test(name);
      if (!fileSpeaks) problems.push(`${path}:${i + 1}: ${name} has no doc comment`);
    }
  }
  return problems;
}

/** Lines that name a home directory or the work folder of one machine. */
export function machinePaths(path: string, text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, i) =>
      /(?:\/work\/(?:main|shared)|\/home\/[a-z])/.test(line) ? [`${path}:${i + 1}: names a path of one machine`] : [],
    );
}

if (import.meta.main) {
  const root = join(fileURLToPath(import.meta.url), '../..');
  const skip = (path: string): boolean => /(^|\/)(node_modules|\.cardea|\.git)(\/|$)/.test(path);
  const problems: string[] = [];
  for (const path of globSync('**/*.md', { cwd: root, exclude: skip })) {
    const text = readFileSync(join(root, path), 'utf8');
    problems.push(...brokenLinks(path, text, (target) => existsSync(join(root, target))), ...machinePaths(path, text));
  }
  for (const path of globSync('{packages/*/src,tools,lab,bench}/**/*.ts', { cwd: root, exclude: skip })) {
    const text = readFileSync(join(root, path), 'utf8');
    if (!path.endsWith('.test.ts')) problems.push(...undocumentedExports(path, text));
    if (!path.includes('check-docs')) problems.push(...machinePaths(path, text));
  }
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
