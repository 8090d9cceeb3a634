/**
 * Tokens of the issuer: `POST /desktop/token` with a fresh Kerberos token each time, by the
 * algorithm that the answer is signed with, beside a sign-on without one.
 *
 * @module
 */
import { paths } from '../lab/files.ts';
import { sidOf } from '../lab/lab.ts';
import { kinit } from '../lab/tokens.ts';
import { makeCertificate, opensslPath } from './certificate.ts';
import { type Contender, compare } from './compare.ts';
import { missingLab, tokenFile, useLab } from './lab-tokens.ts';
import { startCardea } from './measured.ts';
import { missingPrograms } from './programs.ts';
import type { ProxyOptions } from './proxy-options.ts';
import type { Comparison } from './report.ts';
import { type Rhythm, sendFreshTokens } from './send-fresh-tokens.ts';
import { curlPath, sendCurls } from './send-curls.ts';
import { sendTokens } from './send-tokens.ts';
import type { Part, Surroundings } from './surroundings.ts';

const host = 'app.corp.example';
const clients = 50;
const groups = ['team-ai', 'dep1', 'max_group'];

export const tokenPart: Part = {
  name: 'token',
  summary: 'tokens for desktop programs: Negotiate in, a signed JWT out, 50 clients',
  missing: () => [...missingLab(), ...missingPrograms(opensslPath, curlPath)],
  async run(surroundings) {
    await useLab(surroundings);
    return [await byCurl(surroundings), await asProgramsAsk(surroundings), await byAlgorithm(surroundings)];
  },
};

const rhythms: readonly (readonly [what: string, rhythm: Rhythm])[] = [
  ['100 per second', { kind: 'steady', perSecond: 100 }],
  [`${clients} at the same moment`, { kind: 'at-once', clients }],
  [`${clients} without pause`, { kind: 'without-pause', clients }],
];

/** The command of docs/tokens.md, by 50 people who each have a ticket of their own and ask every other second. */
async function byCurl(surroundings: Surroundings): Promise<Comparison> {
  const { quick, folder, started } = surroundings;
  const tls = await makeCertificate(folder());
  const ccaches = await Promise.all(Array.from({ length: clients }, () => kinit('alice')));
  const count = quick ? clients : 2 * clients;
  const perSecond = clients / 2;
  const contenders: Contender[] = [];
  for (const [what, scheme, options] of [
    ['curl --negotiate', 'http', {}],
    ['curl --negotiate, TLS', 'https', { tls }],
  ] as const) {
    const { pid, port } = await started(startCardea(folder(), configuration('{}'), options));
    const load = () => sendCurls({ url: `${scheme}://${host}/desktop/token`, port, ccaches, count, perSecond });
    contenders.push({ what, pid, load });
  }
  return {
    title: `curl --negotiate -X POST /desktop/token: ${clients} people, ${perSecond} tokens per second, RS256, ${count} in each round`,
    unit: 'CPU µs per token',
    figures: await compare(contenders, surroundings),
    remarks: [
      'The latency is what curl tells as its total: the Kerberos token is made in it, and with TLS the authorities of the system are read.',
      'One serving thread on one core, all processes of curl on the other. The first round, which does not count, gets the service tickets.',
      'The server has answered few requests when this is measured: it is slower than later on.',
    ],
  };
}

/** What a program waits for: each has a connection of its own, and asks once. */
async function asProgramsAsk(surroundings: Surroundings): Promise<Comparison> {
  const { quick, rounds, folder, started } = surroundings;
  const files = folder();
  const tls = await makeCertificate(files);
  const servers: readonly (readonly [what: string, options: Pick<ProxyOptions, 'tls' | 'threads' | 'side'>])[] = [
    ['one thread', {}],
    ['one thread, TLS', { tls }],
    ['two threads, TLS', { tls, threads: 2, side: 'measured-pair' }],
  ];
  const count = 300;
  const warmUp = quick ? 1_000 : 2_000;
  const perRhythm = warmUp + count * rounds;
  let file = '';
  const contenders: Contender[] = [];
  for (const [server, options] of servers) {
    const { pid, port } = await started(startCardea(folder(), configuration('{}'), options));
    for (const [i, [what, rhythm]] of rhythms.entries()) {
      const load = (round: number) => {
        const from = i * perRhythm + (round === 0 ? 0 : warmUp + (round - 1) * count);
        const which = { file, from, count: round === 0 ? warmUp : count };
        // The first round is to be over soon.
        const pace = round === 0 ? ({ kind: 'without-pause', clients } as const) : rhythm;
        return sendFreshTokens({
          port,
          host,
          path: '/desktop/token',
          tls: options.tls !== undefined,
          rhythm: pace,
          ...which,
        });
      };
      contenders.push({ what: `${server}: ${what}`, pid, load });
    }
  }
  file = await tokenFile('alice', perRhythm * rhythms.length, files);
  return {
    title: `POST /desktop/token as programs ask: a connection and a Kerberos token of its own for each, RS256, ${count} in each round`,
    unit: 'CPU µs per token',
    figures: await compare(contenders, surroundings),
    remarks: [
      'A latency is all that a program waits for: connection, TLS 1.3 handshake (certificate on P-256), answer. Making the Kerberos token is not in it.',
      'One thread: the server has one core, signatures included, and the program that plays all clients has the other. Two threads: all of them share both.',
      `100 per second: every 10 ms, whether others have their answers or not; counted from when it was due. ${clients} at the same moment: the last one waits for all others.`,
    ],
  };
}

/** What a token costs, on connections that are kept. */
async function byAlgorithm(surroundings: Surroundings): Promise<Comparison> {
  const { quick, rounds, folder, started } = surroundings;
  const files = folder();
  const count = quick ? 1_000 : 3_000;
  const warmUp = 2 * count;
  const ways = [
    { what: 'a token, RS256, 2048 bits', keys: '{}' },
    { what: 'a token, RS256, 3072 bits', keys: '{ bits: 3072 }' },
    { what: 'a token, ES256', keys: '{ algorithm: ES256 }' },
    { what: 'a token, EdDSA', keys: '{ algorithm: EdDSA }' },
    { what: 'no token: /auth/me, a session begins', keys: '{}', path: '/auth/me', method: 'GET' },
  ] as const;
  let file = '';
  const contenders: Contender[] = [];
  for (const { what, keys, path = '/desktop/token', method = 'POST' } of ways as readonly Way[]) {
    const { pid, port } = await started(startCardea(folder(), configuration(keys)));
    const load = (round: number) => {
      const which = round === 0 ? { from: 0, count: warmUp } : { from: warmUp + (round - 1) * count, count };
      return sendTokens({ port, host, path, method, connections: clients, file, status: 200, returns: 0, ...which });
    };
    contenders.push({ what, pid, load });
  }
  // Each has a replay cache of its own, so all of them get the same tokens, and get each token once.
  file = await tokenFile('alice', warmUp + count * rounds, files);
  return {
    title: `POST /desktop/token: a user with some groups, ${clients} clients that ask without pause on kept connections, ${count} fresh Kerberos tokens in each round`,
    unit: 'CPU µs per request',
    figures: await compare(contenders, surroundings),
    remarks: [
      'One serving thread on one core. Signatures are made in other threads of the process, which share that core here.',
      'All clients ask all the time: the latency is that of 50 requests in a queue.',
    ],
  };
}

interface Way {
  readonly what: string;
  readonly keys: string;
  readonly path?: string;
  readonly method?: 'GET' | 'POST';
}

const configuration = (keys: string): string => `sign_in:
  - negotiate: { keytab: ${paths.keytab} }
directory:
  groups:
${groups.map((name) => `    ${sidOf(name)}: ${name}\n`).join('')}issuer:
  url: https://auth.corp.example
  keys: ${keys}
  clients: [{ id: desktop, audience: llm, allow: { groups: [team-ai] }, groups: ["*_group", team-ai] }]
apps:
  - name: desk
    host: ${host}
    upstream: http://127.0.0.1:9
    rules: [{ path: /**, signed_in: true }]
`;
