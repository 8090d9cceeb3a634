import { compare } from './compare.ts';
import { nginxPath, startUpstream } from './nginx.ts';
import { missingPrograms } from './programs.ts';
import { cookieOf, type ProxyKind, remarksOnMissing, startProxies } from './proxies.ts';
import { short } from './report.ts';
import { sendPaced } from './send-paced.ts';
import type { Part } from './surroundings.ts';
import { wrk, wrkPath } from './wrk.ts';

const kinds: readonly ProxyKind[] = ['nginx', 'nginxAsked', 'haproxy', 'caddy', 'cardea'];
const connections = 64;

/** Latency under a load that everybody can bear: half of what the slowest one can do at most. */
export const latencyPart: Part = {
  name: 'latency',
  summary: 'Latency of a proxied request at half load, beside nginx, HAProxy and Caddy',
  missing: () => missingPrograms(nginxPath, wrkPath),
  async run(surroundings) {
    const { quick, folder, started, say } = surroundings;
    const upstream = await started(startUpstream(folder()));
    const proxies = await startProxies(kinds, { upstreamPort: upstream.port }, surroundings);
    const cookie = await cookieOf(proxies);
    const most: { readonly what: string; readonly perSecond: number }[] = [];
    for (const { what, origin } of proxies) {
      const full = { url: `${origin}/1k`, connections, seconds: quick ? 1 : 2, headers: [`Cookie: ${cookie}`] };
      await wrk(full); // to warm up
      const { requests, seconds } = await wrk(full);
      say(`at most: ${what}: ${short(requests / seconds)} per second`);
      most.push({ what, perSecond: requests / seconds });
    }
    const slowest = most.reduce((least, each) => (each.perSecond < least.perSecond ? each : least));
    const perSecond = Math.floor(slowest.perSecond / 2);
    const seconds = quick ? 1 : 3;
    const contenders = proxies.map(({ what, pid, port }) => ({
      what,
      pid,
      load: () => sendPaced({ port, path: '/1k', cookie, connections, perSecond, seconds }),
    }));
    return [
      {
        title: `Latency of a proxied request at ${perSecond} requests per second, 1 KB back, ${connections} connections`,
        unit: 'CPU µs per request',
        figures: await compare(contenders, surroundings),
        remarks: [
          `The rate is half of what the slowest can do at most (${slowest.what}). At most, by wrk: ${most.map(({ what, perSecond: rate }) => `${what} ${short(rate)}`).join('; ')}.`,
          'Open loop: requests come every millisecond, in groups, whether earlier ones were answered or not; waiting for a free connection counts.',
          'Client and upstream share a core, and their part is in every latency. CPU per request is higher than at full load: nothing is done for several requests at once.',
          ...remarksOnMissing(kinds),
        ],
      },
    ];
  },
};
