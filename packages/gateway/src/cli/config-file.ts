import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type LoadOptions, type LoadResult, loadConfig } from '../config/load.ts';
import type { Arguments, Terminal } from './command.ts';

/** Where a configuration is looked for when none is named. */
const usualPlaces = ['cardea.yaml', '/etc/cardea/cardea.yaml'] as const;

/** What the help says about it. */
export const fileHelp = `Without a file: ${usualPlaces[0]} in the current directory, else ${usualPlaces[1]}.`;

/** The configuration that a command is about: the name to show, and what came of loading it. */
export function loadNamed(
  { positionals }: Arguments,
  { cwd, env, now }: Terminal,
  options: Pick<LoadOptions, 'withFiles' | 'production' | 'withExpectations'> = {},
): { readonly name: string; readonly result: LoadResult } | undefined {
  const name = positionals[0] ?? usualPlaces.find((place) => existsSync(resolve(cwd, place)));
  if (name === undefined) return undefined;
  return { name, result: loadConfig(resolve(cwd, name), { name, env, now: now(), ...options }) };
}

export const noFile = `there is no configuration: neither ${usualPlaces.join(' nor ')} exists`;
