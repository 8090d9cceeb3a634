/**
 * What h11, the HTTP/1.1 parser of the Python world, makes of bytes that we send.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { attempt } from '../../lab/processes.ts';
import type { Message } from '../../packages/http1/test/messages.ts';

/** For `skip` of a suite: false, or the reason with what to do about it. */
export const withoutH11: string | false =
  !existsSync('/usr/lib/python3/dist-packages/h11/__init__.py') &&
  'h11 is not there: run "npm run lab:install" on Debian 12 as root';

/** Bytes of one connection. */
export interface Question {
  readonly role: 'requests' | 'responses';
  readonly bytes: Buffer;
  /** Responses: what was asked for, in order. */
  readonly methods?: readonly string[];
}

export interface Reading {
  /** Those that came to their end. */
  readonly messages: readonly Message[];
  /** `end`, `closed`, `cut off` or `refused: ...`. */
  readonly ending: string;
  /** Bytes that it did not read. */
  readonly rest: number;
}

/** Has h11 read each of these connections from the first byte to the end of the stream. */
export async function readWithH11(questions: readonly Question[]): Promise<readonly Reading[]> {
  const input = questions.map((question) => JSON.stringify({ ...question, bytes: question.bytes.toString('base64') }));
  const script = join(import.meta.dirname, 'h11_reader.py');
  const { status, stdout, stderr } = await attempt('/usr/bin/python3', [script], { input: `${input.join('\n')}\n` });
  if (status !== 0) throw new Error(`Cannot read with h11: ${stderr}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Reading);
}
