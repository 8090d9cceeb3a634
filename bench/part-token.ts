/**
 * Tokens of the issuer: `POST /desktop/token` with a fresh Kerberos token each time, by the
 * algorithm that the answer is signed with, beside a sign-on without one.
 *
 * @module
 */
import { paths } from '../lab/files.ts';
import { sidOf } from '../lab/lab.ts';
import { type Contender, compare } from './compare.ts';
import { missingLab, tokenFile, useLab } from './lab-tokens.ts';
import { startCardea } from './measured.ts';
import { sendTokens } from './send-tokens.ts';
import type { Part } from './surroundings.ts';

const host = 'app.corp.example';
const clients = 50;
const groups = ['team-ai', 'dep1', 'max_group'];

export const tokenPart: Part = {
  name: 'token',
  summary: 'tokens for desktop programs: Negotiate in, a signed JWT out, 50 clients',
  missing: missingLab,
  async run(surroundings) {
    const { quick, rounds, folder, started } = surroundings;
    await useLab(surroundings);
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
    return [
      {
        title: `POST /desktop/token: a user with some groups, ${clients} clients that ask without pause, ${count} fresh Kerberos tokens in each round`,
        unit: 'CPU µs per request',
        figures: await compare(contenders, surroundings),
        remarks: [
          'One serving thread on one core. Signatures are made in other threads of the process, which share that core here.',
          'All clients ask all the time: the latency is that of 50 requests in a queue.',
        ],
      },
    ];
  },
};

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
