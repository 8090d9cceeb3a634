import { Secret } from '../../core/secret.ts';
import type { Path } from '../problem.ts';
import { type Check, warning } from './check.ts';

/** Says aloud what was switched off on purpose, and which secrets stand in the file. */
export const checkDangers: Check = ({ config, inline, report }) => {
  visit(config, [], (path, value) => {
    const key = path.at(-1);
    if (typeof key === 'string' && key.startsWith('dangerously_') && value === true)
      report(warning(path, 'a protection is switched off', 'Remove it, unless you know why it is there.'));
    if (value instanceof Secret && inline.has(value))
      report(
        warning(
          path,
          'a secret stands in the configuration itself',
          'Put it into a file or the environment, and write "${file:/run/secrets/name}" or "${env:NAME}".',
        ),
      );
  });
};

function visit(value: unknown, path: Path, see: (path: Path, value: unknown) => void): void {
  see(path, value);
  if (typeof value !== 'object' || value === null || value instanceof Secret) return;
  const entries: Iterable<[string | number, unknown]> = Array.isArray(value) ? value.entries() : Object.entries(value);
  for (const [key, child] of entries) visit(child, [...path, key], see);
}
