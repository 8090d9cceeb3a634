import { compare } from './compare.ts';
import { startCardea } from './measured.ts';
import { nginxPath, startUpstream, startYes } from './nginx.ts';
import { missingPrograms } from './programs.ts';
import { sendChecks } from './send-checks.ts';
import { sessionConfig, sessionCookie, writeUsers } from './session-gateway.ts';
import type { Part } from './surroundings.ts';
import { wrk, wrkPath } from './wrk.ts';

const connections = 32;

/** What a browser sends with a request, which a proxy sends along with its question. */
const browser: readonly string[] = [
  'User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Accept: application/json, text/plain, */*',
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Referer: http://desk.corp.example/',
  'Sec-Fetch-Dest: empty',
  'Sec-Fetch-Mode: cors',
  'Sec-Fetch-Site: same-origin',
];

/** What nginx says of the request. */
const told: readonly string[] = [
  'X-Original-Method: GET',
  'X-Original-Host: desk.corp.example',
  'X-Original-URI: /reports/',
  'X-Forwarded-For: 10.1.2.3',
  'X-Forwarded-Proto: http',
];

/** What a proxy pays for each request that it asks about. */
export const forwardAuthPart: Part = {
  name: 'forward-auth',
  summary: '/auth/validate with a session cookie, over gRPC as well, beside nginx answering a constant 200',
  missing: () => missingPrograms(nginxPath, wrkPath),
  async run(surroundings) {
    const { quick, folder, started } = surroundings;
    const upstream = await started(startUpstream(folder()));
    const yes = await started(startYes(folder()));
    const own = folder();
    await writeUsers(own);
    const asked = '[{ proxy: nginx }, { proxy: envoy, grpc: { address: "127.0.0.1:0" } }]';
    const config = `trusted_proxies: [127.0.0.1]\nforward_auth: ${asked}\n${sessionConfig(upstream.port)}`;
    const cardea = await started(startCardea(own, config, { side: 'measured' }));
    const origin = `http://127.0.0.1:${cardea.port}`;
    const cookie = `Cookie: ${await sessionCookie(origin)}`;
    const headers = [cookie, ...browser, ...told];
    const checks = {
      port: cardea.grpc ?? 0,
      host: 'desk.corp.example',
      headers: [cookie, ...browser, 'X-Forwarded-For: 10.1.2.3', 'X-Forwarded-Proto: http'],
      connections: 2,
      underWay: connections,
    };
    const seconds = quick ? 2 : 3;
    const asking = (url: string, questions: boolean) => () => wrk({ url, connections, seconds, headers, questions });
    const contenders = [
      {
        what: 'nginx, a constant 200 to the same questions',
        pid: yes.pid,
        load: asking(`http://127.0.0.1:${yes.port}/auth/validate`, true),
      },
      {
        what: 'Cardea, another target in each question',
        pid: cardea.pid,
        load: asking(`${origin}/auth/validate`, true),
      },
      {
        what: 'Cardea, the same question again and again',
        pid: cardea.pid,
        load: asking(`${origin}/auth/validate`, false),
      },
      {
        what: 'Cardea over gRPC, another target in each question',
        pid: cardea.pid,
        load: () => sendChecks({ ...checks, seconds }),
      },
    ];
    return [
      {
        title: `Forward-auth: a question with a session, ${connections} connections`,
        unit: 'CPU µs per question',
        figures: await compare(contenders, surroundings),
        remarks: [
          'The question as nginx asks it, with the fields of a browser. The answer has the identity, the assertion and the target.',
          'Over gRPC: the same request as Envoy asks about it, with all of its fields, on two connections.',
          'nginx reads no field of it and decides nothing: it is the least that an answer can cost.',
        ],
      },
    ];
  },
};
