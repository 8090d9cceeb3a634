import { isFieldValue, isToken } from './grammar.ts';

/** One line of a head, or of trailers. Throws `TypeError` for what would break it. */
export function fieldLine(name: string, value: string): string {
  if (!isToken(name)) throw new TypeError('Cannot write field: its name is no token');
  // Beyond latin1 as well: what is cut to one byte could become a line break.
  if (!isFieldValue(value)) throw new TypeError(`Cannot write field ${name}: its value has forbidden characters`);
  return `${name}: ${value}\r\n`;
}
