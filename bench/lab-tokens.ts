/**
 * Real tokens of the lab's domain, for those parts that need them.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { paths } from '../lab/files.ts';
import { startLab, stopLab } from '../lab/lab.ts';
import { available } from '../lab/packages.ts';
import { isRunning } from '../lab/processes.ts';
import { makeTokens } from '../lab/tokens.ts';
import type { Surroundings } from './surroundings.ts';

/** What keeps the lab from running. */
export function missingLab(): readonly string[] {
  const missing = available();
  return missing.length === 0 ? [] : [`${missing.join(', ')} (on Debian, as root: npm run lab:install)`];
}

/** Starts the domain unless it runs already; then it is left running at the end as well. */
export async function useLab({ say, later }: Surroundings): Promise<void> {
  const running = isRunning(paths.controllerPid);
  if (!running) later(stopLab);
  await startLab(say);
}

/** A file with so many fresh tokens of a user, base64, one in each line. They are good for five minutes. */
export async function tokenFile(user: string, count: number, folder: string): Promise<string> {
  const file = join(folder, `${user}.tokens`);
  const tokens = await makeTokens({ user, count });
  writeFileSync(file, tokens.map((token) => `${token.toString('base64')}\n`).join(''));
  return file;
}
