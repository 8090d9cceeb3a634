/**
 * Bodies in both directions. Downloads come from nginx, uploads go to a server that reads them to the end.
 *
 * @module
 */
import { compare } from './compare.ts';
import { startBareNode } from './measured.ts';
import { nginxPath, startUpstream } from './nginx.ts';
import { missingPrograms } from './programs.ts';
import { cookieOf, type ProxyKind, remarksOnMissing, startProxies } from './proxies.ts';
import type { Comparison } from './report.ts';
import type { Part, Surroundings } from './surroundings.ts';
import { wrk, wrkPath } from './wrk.ts';

interface Case {
  readonly title: string;
  readonly path: string;
  /** Bytes; without them, it is a download. */
  readonly upload?: number;
  readonly connections: number;
}

const kinds: readonly ProxyKind[] = ['nginx', 'nginxAsked', 'haproxy', 'node', 'cardea'];

const downloads: readonly Case[] = [
  { title: 'Download of 100 KB', path: '/100k', connections: 16 },
  { title: 'Download of 10 MB', path: '/10m', connections: 4 },
];
const uploads: readonly Case[] = [
  { title: 'Upload of 100 KB', path: '/upload', upload: 100 * 1024, connections: 16 },
  { title: 'Upload of 10 MB', path: '/upload', upload: 10 * 1024 * 1024, connections: 4 },
];

export const bodiesPart: Part = {
  name: 'bodies',
  summary: 'Bodies of 100 KB and 10 MB, down and up, with a session cookie, beside nginx and HAProxy',
  missing: () => missingPrograms(nginxPath, wrkPath),
  async run(surroundings) {
    const { folder, started } = surroundings;
    const files = await started(startUpstream(folder()));
    const sink = await started(startBareNode('bare-sink.ts', { side: 'around' }));
    return [
      ...(await measure(downloads, files.port, surroundings)),
      ...(await measure(uploads, sink.port, surroundings)),
    ];
  },
};

async function measure(
  cases: readonly Case[],
  upstreamPort: number,
  surroundings: Surroundings,
): Promise<readonly Comparison[]> {
  const seconds = surroundings.quick ? 1 : 2;
  const proxies = await startProxies(kinds, { upstreamPort }, surroundings);
  const headers = [`Cookie: ${await cookieOf(proxies)}`];
  const comparisons: Comparison[] = [];
  for (const { title, path, upload, connections } of cases) {
    const contenders = proxies.map(({ what, pid, origin }) => ({
      what,
      pid,
      load: () => wrk({ url: `${origin}${path}`, connections, seconds, headers, upload }),
    }));
    comparisons.push({
      title: `${title}, ${connections} connections`,
      unit: 'CPU µs per body',
      figures: await compare(contenders, surroundings),
      remarks: [
        `Each contender on one core for ${seconds} s in each round; wrk and the upstream share the other.`,
        'nginx streams (proxy_max_temp_file_size 0, proxy_request_buffering off); its buffers have their default sizes.',
        ...remarksOnMissing(kinds),
      ],
    });
  }
  return comparisons;
}
