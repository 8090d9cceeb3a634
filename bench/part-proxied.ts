/**
 * Requests of somebody who is signed in, through Cardea and through nginx: small ones, and bodies.
 *
 * @module
 */
import { type Contender, compare } from './compare.ts';
import { startBareNode, startCardea } from './measured.ts';
import { nginxPath, startProxy, startUpstream } from './nginx.ts';
import { missingPrograms } from './programs.ts';
import type { Comparison } from './report.ts';
import { sessionConfig, sessionCookie, writeUsers } from './session-gateway.ts';
import type { Part, Surroundings } from './surroundings.ts';
import { wrk, wrkPath } from './wrk.ts';

interface Case {
  readonly title: string;
  readonly unit: string;
  readonly path: string;
  readonly connections: number;
}

const small: Case = {
  title: 'Proxied request with a session, 1 KB back',
  unit: 'CPU µs per request',
  path: '1k',
  connections: 64,
};

const bodies: readonly Case[] = [
  { title: 'Proxied response of 100 KB', unit: 'CPU µs per response', path: '100k', connections: 16 },
  { title: 'Proxied response of 10 MB', unit: 'CPU µs per response', path: '10m', connections: 4 },
];

export const sessionPart: Part = {
  name: 'session',
  summary: 'Proxied request with a session cookie, beside nginx',
  missing: () => missingPrograms(nginxPath, wrkPath),
  run: (surroundings) => proxied([small], surroundings),
};

export const bodiesPart: Part = {
  name: 'bodies',
  summary: 'Bodies of 100 KB and 10 MB with a session cookie, beside nginx',
  missing: () => missingPrograms(nginxPath, wrkPath),
  run: (surroundings) => proxied(bodies, surroundings),
};

async function proxied(cases: readonly Case[], surroundings: Surroundings): Promise<readonly Comparison[]> {
  const { quick, folder, later } = surroundings;
  const files = folder();
  await writeUsers(files);
  const upstream = await startUpstream(files);
  later(upstream.stop);
  const nginx = await startProxy(files, upstream.port);
  later(nginx.stop);
  const bare = await startBareNode(upstream.port);
  later(bare.stop);
  const cardea = await startCardea(files, sessionConfig(upstream.port));
  later(cardea.stop);
  // Everybody gets the same request.
  const headers = [`Cookie: ${await sessionCookie(cardea.port)}`];

  const servers = [
    { what: 'nginx, proxy_pass', server: nginx, prefix: '/plain/' },
    { what: 'nginx, auth_request and proxy_pass', server: nginx, prefix: '/asked/' },
    { what: 'node:http in and out, nothing else', server: bare, prefix: '/' },
    { what: 'Cardea, session checked, identity added', server: cardea, prefix: '/' },
  ];
  const comparisons: Comparison[] = [];
  for (const { title, unit, path, connections } of cases) {
    const seconds = quick ? 2 : 5;
    const contenders: Contender[] = servers.map(({ what, server: { pid, port }, prefix }) => ({
      what,
      pid,
      load: () => wrk({ url: `http://127.0.0.1:${port}${prefix}${path}`, connections, seconds, headers }),
    }));
    comparisons.push({
      title: `${title}, ${connections} connections`,
      unit,
      figures: await compare(contenders, surroundings),
      remarks: [
        `Each contender on one core for ${seconds} s in each round; wrk and the upstream (nginx) share the other.`,
      ],
    });
  }
  return comparisons;
}
