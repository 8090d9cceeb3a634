/**
 * The same latin1 text in one piece of memory. V8 keeps a text that was put together as a tree of its parts, and walks the
 * tree each time such a text is written: what is written again and again should be none.
 */
export function onePiece(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
