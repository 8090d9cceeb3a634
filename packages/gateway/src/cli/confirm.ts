import { createInterface } from 'node:readline/promises';
import type { Terminal } from './command.ts';

/** Asks a person at a terminal for a plain `yes`. False for everything else, and where nobody sits at the terminal. */
export async function confirm({ stdin, stderr }: Terminal, question: string): Promise<boolean> {
  if (stdin.isTTY !== true) return false;
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const answer = await Promise.race([lines.question(`${question} Type yes: `), ended]);
    return answer.trim().toLowerCase() === 'yes';
  } finally {
    lines.close();
  }
}
