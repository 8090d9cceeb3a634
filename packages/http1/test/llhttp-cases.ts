/**
 * The cases of llhttp's test suite, read from its Markdown files (`shared/vectors/llhttp`).
 *
 * @module
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { latin1 } from './transcript.ts';

/** How far a parser gets with the bytes of a case. */
export interface Verdict {
  /** Messages read to their end. */
  readonly complete: number;
  /** What comes outcome: `open` when it would read on. */
  readonly outcome: 'open' | 'refused' | 'another protocol' | 'closed';
  /** Why, when it refuses. */
  readonly reason: string;
}

export interface LlhttpCase {
  readonly file: string;
  readonly title: string;
  /** llhttp's mode is one of its lenient switches, if this is not empty. */
  readonly lenient: string;
  readonly kind: 'request' | 'response';
  /** The parser is told that the response belongs to a HEAD. */
  readonly skipBody: boolean;
  /** The input ends. */
  readonly finishes: boolean;
  readonly bytes: Buffer;
  readonly verdict: Verdict;
}

/** All cases below `folder`, in order. */
export function llhttpCases(folder: string): LlhttpCase[] {
  const files = globSync('*/*.md', { cwd: folder }).sort();
  return files.flatMap((file) => casesOf(file, readFileSync(join(folder, file), 'utf8')));
}

const CASE = /^#+ (?<heading>.*)$|^<!-- meta=(?<meta>.*) -->$|^```(?<block>http|log)\n(?<text>[^]*?)^```$/gm;

function casesOf(file: string, text: string): LlhttpCase[] {
  const cases: LlhttpCase[] = [];
  const titles = new Map<string, number>();
  let title = '';
  let meta: Readonly<Record<string, unknown>> = {};
  let bytes: Buffer = latin1('');
  for (const { groups = {} } of text.matchAll(CASE)) {
    if (groups['heading'] !== undefined) title = groups['heading'];
    else if (groups['meta'] !== undefined) meta = JSON.parse(groups['meta']) as typeof meta;
    else if (groups['block'] === 'http') bytes = inputOf(groups['text'] ?? '');
    else {
      const [kind, ...mode] = String(meta['type']).split('-');
      const count = (titles.get(title) ?? 0) + 1;
      titles.set(title, count);
      cases.push({
        file,
        title: count > 1 ? `${title} (${count})` : title,
        lenient: mode[0] === 'lenient' ? mode.slice(1).join('-') : '',
        kind: kind === 'response' ? 'response' : 'request',
        skipBody: meta['skipBody'] === true,
        finishes: mode[0] === 'finish',
        bytes,
        verdict: verdictOf(groups['text'] ?? ''),
      });
    }
  }
  return cases;
}

/** What llhttp's runner makes of a block: CRLF for every line end but escaped ones, and escapes of its own. */
function inputOf(block: string): Buffer {
  const text = block
    .replace(/\n$/, '')
    .replace(/\\\n/g, '')
    .replace(/\n/g, '\r\n')
    .replace(/\\r/g, '\r')
    .replace(/\\n/g, '\n')
    .replace(/\\t/g, '\t')
    .replace(/\\f/g, '\f')
    .replace(/\\x([0-9a-fA-F]+)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(text, 'utf8');
}

const OUTCOMES: Readonly<Record<string, Verdict['outcome']>> = {
  5: 'closed',
  22: 'another protocol',
  23: 'another protocol',
};

function verdictOf(log: string): Verdict {
  const complete = log.match(/ message complete$/gm)?.length ?? 0;
  const error = /error code=(\d+) reason="(.*)"$/m.exec(log);
  if (error !== null) return { complete, outcome: OUTCOMES[error[1] ?? ''] ?? 'refused', reason: error[2] ?? '' };
  const finish = /finish=(\d)$/m.exec(log)?.[1];
  if (finish === '2') return { complete, outcome: 'refused', reason: 'unsafe to finish' };
  // 1: the end of the input is the end of the message.
  return { complete: finish === '1' ? complete + 1 : complete, outcome: 'open', reason: '' };
}
