/**
 * The sections of the Autobahn suite, which every WebSocket implementation is measured by, and what of ours stands for each.
 *
 * @module
 */
import { compressionRuns } from './websocket-compression-runs.ts';
import { type Section, websocketCases } from './websocket-cases.ts';

const TITLES: Readonly<Record<Section, readonly [title: string, remark: string]>> = {
  1: ['Framing', 'every border between the three spellings of a length; packets of one byte; wrong lengths and masks'],
  2: ['Pings and pongs', ''],
  3: ['Reserved bits', 'in text, pings and closes'],
  4: ['Opcodes', 'every reserved one, with content and without'],
  5: ['Fragmentation', 'each sequence frame by frame, in one packet and byte by byte'],
  6: ['UTF-8', "Markus Kuhn's sequences, whole and in fragments of one byte"],
  7: ['Close handling', 'every code that is registered, and some of those that must not be sent'],
  9: ['Limits', 'up to 16 MB in one frame, 65,536 fragments, 16,384 packets; how fast is `npm run bench`, not this'],
  10: ['Automatic fragmentation', ''],
  12: ['Compression: kinds of content', 'each a connection with messages of nine sizes from 16 bytes to 128 KB'],
  13: ['Compression: parameters', 'kept contexts and none, windows from 9 to 15 bits, several offers; broken streams'],
};

const SECTIONS: readonly Section[] = [1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13];

/** The rows of a table: section, title, number of cases, remark. */
export function sectionRows(): readonly (readonly [string, string, string, string])[] {
  return SECTIONS.map((section) => {
    const count = websocketCases.filter((each) => each.section === section).length;
    const runs = compressionRuns.filter((each) => each.section === section).length;
    const [title, remark] = TITLES[section];
    return [`${section}`, title, `${count + runs}`, remark];
  });
}
