/**
 * A sign-on as a whole request over HTTP, each with a token of its own: Cardea and Apache's mod_auth_gssapi.
 *
 * @module
 */
import { type Apache, startApache } from '../lab/apache.ts';
import { groups as labGroups } from '../lab/domain.ts';
import { paths } from '../lab/files.ts';
import { sidOf } from '../lab/lab.ts';
import { type Contender, compare } from './compare.ts';
import { missingLab, tokenFile, useLab } from './lab-tokens.ts';
import { startBareNode, startCardea } from './measured.ts';
import { nginxPath, startUpstream } from './nginx.ts';
import { missingPrograms, pinToMeasuredCore } from './programs.ts';
import type { Comparison } from './report.ts';
import { sendTokens } from './send-tokens.ts';
import type { Part, Surroundings } from './surroundings.ts';

const people = [
  { user: 'alice', what: 'a user with some groups' },
  { user: 'biguser', what: 'a user with 400 groups' },
] as const;

const connections = 8;
/** In real life it is hundreds: a session lasts eight hours. */
const returns = 20;
const host = 'app.corp.example';

export const signOnPart: Part = {
  name: 'sign-on',
  summary: 'Negotiate sign-on over HTTP, beside Apache mod_auth_gssapi',
  missing: () => [...missingLab(), ...missingPrograms(nginxPath)],
  async run(surroundings) {
    await useLab(surroundings);
    const comparisons: Comparison[] = [];
    for (const person of surroundings.quick ? people.slice(0, 1) : people)
      comparisons.push(await comparePerson(person, surroundings));
    comparisons.push(await compareDay(surroundings));
    return comparisons;
  },
};

async function comparePerson({ user, what }: (typeof people)[number], surroundings: Surroundings): Promise<Comparison> {
  const { quick, rounds, folder, started } = surroundings;
  const files = folder();
  const upstream = await started(startUpstream(files));
  const apache = await startPinnedApache(surroundings);
  const config = configuration(upstream.port);
  const servers = [
    { what: 'Apache mod_auth_gssapi, a small file', server: apache, path: '/', status: 200 },
    { what: 'Cardea, request forwarded, 1 KB back', path: '/1k', status: 200 },
    { what: 'Cardea, /auth/me', path: '/auth/me', status: 200 },
    { what: 'Cardea, signed on and refused by policy', path: '/closed', status: 403 },
    {
      what: 'node:http alone, token not looked at',
      server: await started(startBareNode('bare-node.ts')),
      path: '/',
      status: 200,
    },
  ];
  const count = quick ? 1_000 : 3_000;
  const warmUp = 2 * count;
  const contenders: Contender[] = [];
  // Each has a replay cache of its own, so all of them get the same tokens, and get each token once.
  let file = '';
  for (const { what: name, server, path, status } of servers) {
    const { pid, port } = server ?? (await started(startCardea(folder(), config)));
    const load = (round: number) => {
      const which = round === 0 ? { from: 0, count: warmUp } : { from: warmUp + (round - 1) * count, count };
      return sendTokens({ port, host, path, connections, file, status, returns: 0, ...which });
    };
    contenders.push({ what: name, pid, load });
  }
  file = await tokenFile(user, warmUp + count * rounds, files);
  return {
    title: `Sign-on over HTTP: ${what}, ${connections} connections, ${count} fresh tokens in each round`,
    unit: 'CPU µs per sign-on',
    figures: await compare(contenders, surroundings),
    remarks: [
      'Cardea decodes the groups, names them, decides by policy, issues the session cookie, signs an assertion for the app (forwarded request only) and records the sign-on in SQLite; Apache checks the ticket.',
      `Both remember used tokens on disk. All contenders get the same tokens, ${warmUp} of them to warm up.`,
    ],
  };
}

/** People who stay: after each sign-on they come back with their cookie. */
async function compareDay(surroundings: Surroundings): Promise<Comparison> {
  const { quick, rounds, folder, started } = surroundings;
  const files = folder();
  const upstream = await started(startUpstream(files));
  const apache = await startPinnedApache(surroundings);
  const cardea = await started(startCardea(folder(), configuration(upstream.port)));
  const count = quick ? 250 : 500;
  const warmUp = 2 * count;
  const file = await tokenFile('alice', warmUp + count * rounds, files);
  const servers = [
    { what: 'Apache mod_auth_gssapi, a small file, the connection is the session', ...apache, path: '/' },
    { what: 'Cardea, requests forwarded, 1 KB back, session cookie', ...cardea, path: '/1k' },
  ];
  const contenders = servers.map(({ what, pid, port, path }) => ({
    what,
    pid,
    load: (round: number) => {
      const which = round === 0 ? { from: 0, count: warmUp } : { from: warmUp + (round - 1) * count, count };
      return sendTokens({ port, host, path, connections, file, status: 200, returns, ...which });
    },
  }));
  return {
    title: `Sign-on over HTTP and ${returns} further requests: a user with some groups, ${connections} connections`,
    unit: `CPU µs per request, one in ${returns + 1} a sign-on`,
    figures: await compare(contenders, surroundings),
    remarks: [
      `${count} fresh tokens in each round; after each, ${returns} requests come on the same connection with the cookie that was set.`,
      'Apache sets no cookie and knows the connection (GssapiConnectionBound); it serves a file where Cardea calls the upstream.',
    ],
  };
}

async function startPinnedApache({ later }: Surroundings): Promise<Apache> {
  const apache = await startApache();
  later(() => apache.stop());
  pinToMeasuredCore(apache.pid);
  return apache;
}

/** Negotiate, groups by a table, a group rule, and a path that is closed for both people. */
function configuration(upstreamPort: number): string {
  const table = labGroups.map(({ name }) => `    ${sidOf(name)}: ${JSON.stringify(name)}\n`).join('');
  return `sign_in:
  - negotiate: { keytab: ${paths.keytab} }
directory:
  groups:
${table}apps:
  - name: desk
    host: ${host}
    upstream: http://127.0.0.1:${upstreamPort}
    rules:
      - { path: /closed, groups: [pro_group] }
      - { path: /**, groups: [team-ai, big-group-000] }
`;
}
