/**
 * Questions to DNS, as this machine asks them or as one name server answers them.
 *
 * @module
 */
import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';

export interface Names {
  /** None when the name is unknown. Throws when it cannot be found out. */
  addresses(host: string): Promise<readonly string[]>;
  /** What the name is an alias of, at the end of the chain. */
  alias(host: string): Promise<string | undefined>;
  reverse(address: string): Promise<readonly string[]>;
  /** The hosts of a service record. */
  hostsOf(service: string): Promise<readonly string[]>;
}

/** With `server` (`10.0.0.53` or `10.0.0.53:5353`) that one alone is asked; without, this machine's own way, its hosts file included. */
export function namesBy(server: string | undefined, timeoutMs: number): Names {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  if (server !== undefined) resolver.setServers([server]);
  const orNone = async <T>(asking: Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await asking;
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  };
  return {
    async addresses(host) {
      if (isIP(host) !== 0) return [host];
      if (server === undefined) {
        const found = await orNone(lookup(host, { all: true }));
        return found.map(({ address }) => address);
      }
      const [four, six] = await Promise.all([orNone(resolver.resolve4(host)), orNone(resolver.resolve6(host))]);
      return [...four, ...six];
    },
    async alias(host) {
      let name: string | undefined;
      for (let next: string | undefined = host, i = 0; next !== undefined && i < 8; i++) {
        const [target]: readonly string[] = await orNone(resolver.resolveCname(next));
        next = target?.toLowerCase();
        name = next ?? name;
      }
      return name;
    },
    reverse: (address) => orNone(resolver.reverse(address)),
    hostsOf: async (service) => (await orNone(resolver.resolveSrv(service))).map(({ name }) => name),
  };
}

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOTFOUND' || code === 'ENODATA';
}
