/**
 * The same function, called at most `perSecond` times a second, for log lines that strangers can cause. What was left out is
 * counted, and the count goes with the next call.
 */
export function sparingly<T extends object>(
  perSecond: number,
  now: () => number,
  write: (details: T & { readonly leftOut?: number }) => void,
): (details: T) => void {
  let second = 0;
  let written = 0;
  let leftOut = 0;
  return (details) => {
    const current = Math.floor(now() / 1000);
    if (current !== second) {
      second = current;
      written = 0;
    }
    if (written >= perSecond) {
      leftOut++;
      return;
    }
    written++;
    write(leftOut === 0 ? details : { ...details, leftOut });
    leftOut = 0;
  };
}
