import { freePort } from '../lab/ports.ts';
import { compare } from './compare.ts';
import { startCardea } from './measured.ts';
import { nginxPath, startNginxProxy, startUpstream } from './nginx.ts';
import { missingPrograms, startServer } from './programs.ts';
import { sessionCookie, writeUsers } from './session-gateway.ts';
import type { Part } from './surroundings.ts';
import { wrk, wrkPath } from './wrk.ts';

const redisPath = '/usr/bin/redis-server';
const connections = 64;

/** A short question, as chat clients send it. */
const question = JSON.stringify({
  model: 'small-echo',
  messages: [
    { role: 'system', content: 'Answer briefly.' },
    { role: 'user', content: 'x '.repeat(400) },
  ],
  max_tokens: 500,
});

const counted = 'requests_per_minute: 1000000, concurrent: 10000';
const limited = {
  'Cardea, no limits': '',
  'Cardea, requests and concurrency': `{ tiers: [{ name: default, ${counted} }] }`,
  'Cardea, the same with models and tokens, body and answer read': `{ tiers: [{ name: default, ${counted}, tokens_per_minute: 1000000000, models: ["small-*"] }] }`,
} as const;

/** The same app on several hosts, each with other limits. Below `auth.localhost` somebody signs in. */
const config = (upstreamPort: number): string => `sign_in:
  - password: { users: users.yaml }
apps:
${['', ...Object.values(limited)]
  .map(
    (limits, i) => `  - name: llm-${i}
    host: ${i === 0 ? '127.0.0.1' : `llm-${i}.localhost`}
    upstream: http://127.0.0.1:${upstreamPort}
    rules: [{ path: /**, groups: [team-ai] }]
${limits === '' ? '' : `    limits: ${limits}\n`}`,
  )
  .join('')}`;

/** What limits cost, and reading a question and its answer for them. */
export const llmPart: Part = {
  name: 'llm',
  summary: 'A question to a model: limits, models, tokens; beside the plain proxy and nginx',
  missing: () => missingPrograms(nginxPath, wrkPath),
  async run(surroundings) {
    const { quick, folder, started } = surroundings;
    const upstream = await started(startUpstream(folder()));
    const seconds = quick ? 2 : 3;
    const load = (origin: string, headers: readonly string[]) => () =>
      wrk({ url: `${origin}/v1/chat/completions`, connections, seconds, headers, json: question });
    const nginx = await started(startNginxProxy({ folder: folder(), upstreamPort: upstream.port }, true));
    const contenders = [
      {
        what: 'nginx, auth_request and proxy_pass, no limits',
        pid: nginx.pid,
        load: load(`http://127.0.0.1:${nginx.port}`, []),
      },
    ];
    const add = async (where: string, more = '', only?: string): Promise<void> => {
      const place = folder();
      await writeUsers(place);
      const gateway = await started(startCardea(place, config(upstream.port) + more));
      const origin = `http://127.0.0.1:${gateway.port}`;
      const cookie = `Cookie: ${await sessionCookie(origin)}`;
      for (const [i, what] of Object.keys(limited).entries())
        if (only === undefined || what === only)
          contenders.push({
            what: what + where,
            pid: gateway.pid,
            load: load(origin, [cookie, `Host: llm-${i + 1}.localhost`]),
          });
    };
    await add('');
    const withRedis = missingPrograms(redisPath).length === 0;
    if (withRedis) {
      const port = await freePort();
      const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder()];
      await started(startServer(redisPath, options, { side: 'around', port }));
      const [, , all] = Object.keys(limited);
      await add(', shared through Redis', `redis: { url: "redis://127.0.0.1:${port}" }\n`, all);
    }
    return [
      {
        title: `A question of ${question.length} bytes with a session, answer of 1 KB, ${connections} connections`,
        unit: 'CPU µs per request',
        figures: await compare(contenders, surroundings),
        remarks: [
          `Each contender on one core for ${seconds} s in each round; wrk and the upstream (nginx, which answers the same) share the other.`,
          'With limits, each request is written to the usage database too. Redis is not in the figure of its line.',
          ...(withRedis ? [] : [`Left out: limits in Redis; this machine has no ${redisPath}.`]),
        ],
      },
    ];
  },
};
