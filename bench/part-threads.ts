import { availableParallelism } from 'node:os';
import { type Contender, compare } from './compare.ts';
import { pairsFit } from './cores.ts';
import { nginxPath, startUpstream } from './nginx.ts';
import { missingPrograms } from './programs.ts';
import { cookieOf, startProxies } from './proxies.ts';
import type { Part } from './surroundings.ts';
import { wrk, wrkPath } from './wrk.ts';

const connections = 64;

/** One thread and two, on one port. nginx has worker processes instead. */
export const threadsPart: Part = {
  name: 'threads',
  summary: 'One thread and two, beside nginx with one worker and two',
  missing: () => missingPrograms(nginxPath, wrkPath),
  async run(surroundings) {
    const { quick, folder, started } = surroundings;
    const upstream = await started(startUpstream(folder(), { side: 'around-pair', threads: 2 }));
    const seconds = quick ? 2 : 3;
    const contenders: Contender[] = [];
    for (const kind of ['nginxAsked', 'cardea'] as const)
      for (const threads of [1, 2]) {
        const options = { upstreamPort: upstream.port, side: 'measured-pair', threads } as const;
        const proxies = await startProxies([kind], options, surroundings);
        const headers = [`Cookie: ${await cookieOf(proxies)}`];
        for (const { what, pid, origin } of proxies)
          contenders.push({
            what: `${what}, ${threads === 1 ? 'one thread' : 'two threads'}`,
            pid,
            load: () => wrk({ url: `${origin}/1k`, connections, seconds, headers, threads: 2, side: 'around-pair' }),
          });
      }
    const figures = await compare(contenders, surroundings);
    const cores = availableParallelism();
    return [
      {
        title: `Proxied request with a session on one thread and on two, 1 KB back, ${connections} connections`,
        unit: 'CPU µs per request',
        figures,
        remarks: [
          pairsFit(cores)
            ? 'The servers may use two cores; wrk and the upstream have two others.'
            : `This machine has ${cores} ${cores === 1 ? 'core' : 'cores'}, which the server shares with wrk and the upstream (nginx): they take from the rate of two threads what they need. CPU per request says what a second thread costs.`,
          ...figures.map(
            ({ what, cost, perSecond = 0 }) =>
              `${what}: ${((cost.median * perSecond) / 1e6).toFixed(2)} cores busy with it.`,
          ),
          "nginx's two are worker processes.",
        ],
      },
    ];
  },
};
