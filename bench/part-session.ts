import { compare } from './compare.ts';
import { nginxPath, startUpstream } from './nginx.ts';
import { missingPrograms } from './programs.ts';
import { cookieOf, type ProxyKind, remarksOnMissing, startProxies } from './proxies.ts';
import type { Part } from './surroundings.ts';
import { wrk, wrkPath } from './wrk.ts';

const kinds: readonly ProxyKind[] = [
  'nginx',
  'nginxAsked',
  'haproxy',
  'caddy',
  'caddyAsked',
  'node',
  'nodeFetch',
  'cardea',
];
const connections = 64;

/** What a gateway does all day: one small request after the other, of somebody who is signed in. */
export const sessionPart: Part = {
  name: 'session',
  summary: 'Proxied request with a session cookie, beside nginx, HAProxy and Caddy',
  missing: () => missingPrograms(nginxPath, wrkPath),
  async run(surroundings) {
    const { quick, folder, started } = surroundings;
    const upstream = await started(startUpstream(folder()));
    const proxies = await startProxies(kinds, { upstreamPort: upstream.port }, surroundings);
    const headers = [`Cookie: ${await cookieOf(proxies)}`];
    const seconds = quick ? 2 : 3;
    const contenders = proxies.map(({ what, pid, origin }) => ({
      what,
      pid,
      load: () => wrk({ url: `${origin}/1k`, connections, seconds, headers }),
    }));
    return [
      {
        title: `Proxied request with a session, 1 KB back, ${connections} connections`,
        unit: 'CPU µs per request',
        figures: await compare(contenders, surroundings),
        remarks: [
          `Each contender on one core for ${seconds} s in each round; wrk and the upstream (nginx) share the other.`,
          'Who asks an authority (auth_request, forward_auth) asks another server of the same program, so that its cost is in the figure. HAProxy asks nobody.',
          ...remarksOnMissing(kinds),
        ],
      },
    ];
  },
};
