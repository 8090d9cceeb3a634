import type { Terminal } from './command.ts';

export type PasswordInput =
  | { readonly kind: 'ok'; readonly password: string }
  | { readonly kind: 'wrong'; readonly message: string };

const longest = 64 * 1024;

/** Asks a person twice, without showing what is typed; from a pipe, takes one line. */
export async function readPassword({ stdin, stderr }: Terminal): Promise<PasswordInput> {
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) return onlyLine(await readAll(stdin));
  stdin.setRawMode(true);
  try {
    const keys = new KeyReader(stdin);
    stderr.write('Password: ');
    const first = await keys.line();
    stderr.write('\nOnce more: ');
    const second = first === undefined ? undefined : await keys.line();
    stderr.write('\n');
    keys.close();
    if (first === undefined || second === undefined) return { kind: 'wrong', message: 'nothing was made' };
    if (first !== second) return { kind: 'wrong', message: 'the two are not the same' };
    return { kind: 'ok', password: first };
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
  }
}

async function readAll(stdin: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > longest) break;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function onlyLine(text: string): PasswordInput {
  const line = text.replace(/\r?\n$/, '');
  if (/[\r\n]/.test(line)) return { kind: 'wrong', message: 'the input has more than one line' };
  return { kind: 'ok', password: line };
}

/** Lines from a terminal in raw mode, which neither shows them nor lets them be edited; so both is done here. */
class KeyReader {
  readonly #stdin: NodeJS.ReadableStream;
  #typed = '';
  #waiting: ((line: string | undefined) => void) | undefined;
  readonly #onData = (chunk: Buffer | string): void => {
    this.#typed += chunk.toString();
    this.#deliver();
  };

  constructor(stdin: NodeJS.ReadableStream) {
    this.#stdin = stdin;
    stdin.setEncoding('utf8');
    stdin.on('data', this.#onData);
  }

  /** The next line; `undefined` when the person gives up (Ctrl-C, Ctrl-D). */
  line(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#deliver();
    });
  }

  close(): void {
    this.#stdin.off('data', this.#onData);
  }

  #deliver(): void {
    const end = /[\r\n\u0003\u0004]/.exec(this.#typed);
    if (end === null || this.#waiting === undefined) return;
    const line = withoutErased(this.#typed.slice(0, end.index));
    this.#typed = this.#typed.slice(end.index + 1);
    const resolve = this.#waiting;
    this.#waiting = undefined;
    resolve(end[0] === '\r' || end[0] === '\n' ? line : undefined);
  }
}

/** Applies backspace and Ctrl-U as a terminal does. */
function withoutErased(keys: string): string {
  const line: string[] = [];
  for (const key of keys) {
    if (key === '\u007f' || key === '\b') line.pop();
    else if (key === '\u0015') line.length = 0;
    else line.push(key);
  }
  return line.join('');
}
