/**
 * Which core a program runs on: what is measured shares its own with nobody.
 *
 * @module
 */

/**
 * `measured` is the server, `around` are clients and upstreams; `measured-pair` and `around-pair` are the same for a
 * comparison of one thread with two.
 */
export type Side = 'measured' | 'around' | 'measured-pair' | 'around-pair';

/** The cores of a side, as `taskset -c` takes them, on a machine with so many; `undefined` is any of them. */
export function coresOf(side: Side, cores: number): string | undefined {
  switch (side) {
    case 'measured':
      return cores > 1 ? '0' : undefined;
    case 'around':
      return cores > 1 ? '1' : undefined;
    case 'measured-pair':
      return pairsFit(cores) ? '0,1' : undefined;
    case 'around-pair':
      return pairsFit(cores) ? '2,3' : undefined;
  }
}

/** Whether two threads of a server and what is around them have a core each. */
export const pairsFit = (cores: number): boolean => cores >= 4;
