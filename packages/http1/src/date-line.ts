/** Makes the `Date` field line (RFC 9110, 6.6.1), once per second of this clock. */
export function dateLines(clock: () => number): () => string {
  let second = Number.NaN;
  let line = '';
  return () => {
    const now = Math.floor(clock() / 1_000);
    if (now !== second) {
      second = now;
      line = `Date: ${new Date(now * 1_000).toUTCString()}\r\n`;
    }
    return line;
  };
}
