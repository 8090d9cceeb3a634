import type { Writable } from 'node:stream';
import type { ReadStream } from 'node:tty';

/** The world around a command. Everything it reads and writes is here. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & Partial<Pick<ReadStream, 'isTTY' | 'setRawMode'>>;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The version of Cardea. */
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Fires when a command that goes on for ever is to end. Default: a signal ends the process. */
  readonly stop?: AbortSignal;
}

export interface Option {
  readonly type: 'boolean' | 'string';
  /** What stands for the value in the help, for options of type string. */
  readonly value?: string;
  readonly summary: string;
}

export interface Arguments {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** Exit status: 0 all well, 1 a finding (a wrong configuration, a failed check), 2 the command was not understood, 3 no finding, but not everything could be tried. */
export type ExitStatus = 0 | 1 | 2 | 3;

export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What may follow the name: `[file]`. */
  readonly operands: readonly string[];
  /** What the command does, for its own help. */
  readonly help: string;
  readonly options: Readonly<Record<string, Option>>;
  run(args: Arguments, terminal: Terminal): Promise<ExitStatus>;
}
