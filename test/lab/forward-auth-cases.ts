/**
 * What is asked the same way through every proxy. Each case gives its outcome in a few words, for the table.
 *
 * @module
 */
import { type Arrived, type RawAnswer, type RawRequest, valuesOf } from './forward-auth-app.ts';
import type { Stand } from './forward-auth-stand.ts';

export interface Case {
  readonly name: string;
  readonly run: (stand: Stand) => Promise<string>;
}

const page = ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document', 'Sec-Fetch-Site: none'];
const handshake = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** The values under a name in any spelling that some server takes for the same. */
const folded = (fields: Arrived['fields'], name: string): readonly string[] =>
  fields.filter(([given]) => given.toLowerCase().replaceAll(/[^a-z0-9]/g, '-') === name).map(([, value]) => value);

/** Status and what matters beside it. What the app has received counts for more than any status. */
function outcome(answer: RawAnswer): string {
  const { status, arrived } = answer;
  if (arrived !== undefined) {
    const users = folded(arrived.fields, 'x-authenticated-user');
    return `${status} ${users.length === 0 ? 'nobody' : users.join(' and ')}`;
  }
  const location = valuesOf(answer.fields, 'location')[0];
  if (location !== undefined) return `${status} ${location.replace(/^http:\/\/app\.corp\.example(?=\/)/, '')}`;
  return String(status);
}

const plain = (name: string, request: (stand: Stand) => RawRequest): Case => ({
  name,
  run: async (stand) => outcome(await stand.send(request(stand))),
});

/** As a person of the configuration. */
const by = (stand: Stand, who: Parameters<Stand['cookie']>[0], more: readonly string[] = []): readonly string[] => [
  `Cookie: ${stand.cookie(who)}`,
  ...more,
];

const requests: readonly Case[] = [
  plain('page, nobody signed in', () => ({ target: '/reports/?year=2026', headers: page })),
  plain('API, nobody signed in', () => ({ target: '/reports/' })),
  plain('page, alice', (stand) => ({ target: '/reports/', headers: by(stand, 'alice', page) })),
  plain('API, alice', (stand) => ({ target: '/reports/', headers: by(stand, 'alice') })),
  plain('page, bob, who may not', (stand) => ({ target: '/reports/', headers: by(stand, 'bob', page) })),
  plain('API, bob, who may not', (stand) => ({ target: '/reports/', headers: by(stand, 'bob') })),
  plain('public page, nobody', () => ({ target: '/health' })),
  plain('public page, alice', (stand) => ({ target: '/health', headers: by(stand, 'alice') })),
  plain('page, expired session', (stand) => ({ target: '/', headers: by(stand, 'expired', page) })),
  plain('API, expired session', (stand) => ({ target: '/', headers: by(stand, 'expired') })),
  plain('API, a cookie of somebody’s making', () => ({ target: '/', headers: ['Cookie: cardea=v1.forged'] })),
  plain('two session cookies', (stand) => ({
    target: '/',
    headers: [`Cookie: ${stand.cookie('alice')}; ${stand.cookie('bob')}`],
  })),
  plain('two session cookies, each in a field', (stand) => ({
    target: '/',
    headers: [`Cookie: ${stand.cookie('alice')}`, `Cookie: ${stand.cookie('bob')}`],
  })),
  plain('two `Authorization` fields', () => ({
    target: '/',
    headers: ['Authorization: Bearer a', 'Authorization: Basic YTpi'],
  })),
  plain('API key', ({ key }) => ({ target: '/', headers: [`X-API-Key: ${key}`] })),
  plain('wrong API key', ({ key }) => ({ target: '/', headers: [`X-API-Key: ${key.slice(0, -4)}AAAA`] })),
  plain('unknown host', (stand) => ({ host: 'other.corp.example', headers: by(stand, 'alice') })),
  plain('/auth/me, alice', (stand) => ({ target: '/auth/me', headers: by(stand, 'alice') })),
  plain('/auth/login, nobody', () => ({ target: '/auth/login', headers: page })),
];

const methods: readonly Case[] = [
  ...['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'].map(
    (method): Case => ({
      name: `${method}, alice`,
      run: async (stand) => {
        const body = method === 'POST' || method === 'PUT' ? 'some content' : '';
        const answer = await stand.send({ method, headers: by(stand, 'alice'), body });
        const { arrived } = answer;
        if (arrived === undefined) return outcome(answer);
        return `${outcome(answer)}, ${arrived.method}${arrived.body === body ? '' : ' with another body'}`;
      },
    }),
  ),
  plain('TRACE, alice', (stand) => ({ method: 'TRACE', headers: by(stand, 'alice') })),
  plain('get (lower case), alice', (stand) => ({ method: 'get', headers: by(stand, 'alice') })),
  plain('POST of another site’s page, alice', (stand) => ({
    method: 'POST',
    headers: by(stand, 'alice', ['Origin: https://evil.example']),
  })),
  plain('POST of its own page, alice', (stand) => ({
    method: 'POST',
    headers: by(stand, 'alice', ['Origin: http://app.corp.example']),
  })),
];

const upgrades: readonly Case[] = [
  plain('WebSocket, nobody', () => ({ target: '/reports/live', headers: handshake })),
  plain('WebSocket, alice', (stand) => ({ target: '/reports/live', headers: by(stand, 'alice', handshake) })),
  plain('WebSocket, bob, who may not', (stand) => ({ target: '/reports/live', headers: by(stand, 'bob', handshake) })),
  plain('WebSocket of another site’s page, alice', (stand) => ({
    target: '/live',
    headers: by(stand, 'alice', [...handshake, 'Origin: https://evil.example']),
  })),
  plain('WebSocket with a forged identity, alice', (stand) => ({
    target: '/live',
    headers: by(stand, 'alice', [...handshake, 'X-Authenticated-User: CORP\\admin']),
  })),
  plain('WebSocket, expired session', (stand) => ({ target: '/live', headers: by(stand, 'expired', handshake) })),
];

/** Fields that claim something, in spellings of which some server takes each for the field itself. */
const forgeries: readonly (readonly [name: string, value: string])[] = [
  ['X-Authenticated-User', 'CORP\\admin'],
  ['x-authenticated-user', 'CORP\\admin'],
  ['X_Authenticated_User', 'CORP\\admin'],
  ['X-Authenticated_User', 'CORP\\admin'],
  ['X_AUTHENTICATED-USER', 'CORP\\admin'],
  ['X.Authenticated.User', 'CORP\\admin'],
  ['X-Authenticated.User', 'CORP\\admin'],
  ["X-Authenticated'User", 'CORP\\admin'],
  ['X-Authenticated-Groups', 'admins'],
  ['X_Authenticated_Groups', 'admins'],
  // alice has none: what is empty takes the place of this.
  ['X-Authenticated-Roles', 'admin'],
  ['X-Authenticated-Anything', 'x'],
  ['X-Cardea-Assertion', 'e30.e30.x'],
  ['X_Cardea_Assertion', 'e30.e30.x'],
  ['X-Remote-User', 'CORP\\admin'],
  ['X_Remote_User', 'CORP\\admin'],
  ['Remote-User', 'CORP\\admin'],
  ['Remote_User', 'CORP\\admin'],
  ['X-Forwarded-User', 'CORP\\admin'],
  ['X-Auth-Request-User', 'CORP\\admin'],
  ['X-WebAuth-User', 'CORP\\admin'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X_HTTP_Method_Override', 'DELETE'],
  ['X-Original-URL', '/admin'],
  ['X-Rewrite-URL', '/admin'],
  ['X-Original-URI', '/admin'],
  ['X-Original-Host', 'admin.corp.example'],
  ['X-Original-Method', 'DELETE'],
  ['Forwarded', 'for=203.0.113.9'],
  ['X-Client-IP', '203.0.113.9'],
  ['True-Client-IP', '203.0.113.9'],
  ['CF-Connecting-IP', '203.0.113.9'],
  ['X-Forwarded-Prefix', '/admin'],
  ['X-Forwarded-Scheme', 'ftp'],
];

/** Nothing of a forged field arrives: it is removed on the way, or the request is refused. */
function forged(who: 'alice' | undefined, [name, value]: readonly [string, string]): Case {
  return {
    name: `forged \`${name}\`, ${who ?? 'nobody, public page'}`,
    run: async (stand) => {
      const headers = [`${name}: ${value}`, ...(who === undefined ? [] : by(stand, who))];
      const answer = await stand.send({ target: who === undefined ? '/health' : '/', headers });
      if (answer.arrived === undefined) return `refused (${answer.status})`;
      const key = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
      const arrivedHere = folded(answer.arrived.fields, key);
      return arrivedHere.includes(value) ? `ARRIVES (${answer.status})` : 'removed';
    },
  };
}

/** Fields of the question itself, which the client sends. They change nothing. */
const meddling: readonly Case[] = [
  ...[
    ['X-Original-URI: /health', 'X-Original-Method: GET'],
    ['X-Forwarded-Uri: /health', 'X-Forwarded-Method: GET'],
    ['X-Forwarded-Host: app.corp.example', 'X-Forwarded-Uri: /health'],
    ['X-Original-URI: /health', 'X-Original-URI: /health'],
    ['X_Original_URI: /health', 'X_Forwarded_Uri: /health'],
    ['Connection: X-Original-URI, X-Forwarded-Uri, X-Original-Method'],
    ['Connection: Cookie'],
  ].map((lines) =>
    plain(`client sends ${lines.map((line) => `\`${line}\``).join(' ')}, bob`, (stand) => ({
      target: '/reports/',
      headers: by(stand, 'bob', lines),
    })),
  ),
  {
    name: 'client sends `X-Forwarded-For` and `X-Real-IP`, alice',
    run: async (stand) => {
      const headers = by(stand, 'alice', ['X-Forwarded-For: 203.0.113.9', 'X-Real-IP: 203.0.113.9']);
      const { arrived, status } = await stand.send({ headers });
      if (arrived === undefined) return String(status);
      const seen = [...valuesOf(arrived.fields, 'x-forwarded-for'), ...valuesOf(arrived.fields, 'x-real-ip')];
      return seen.some((value) => value.includes('203.0.113.9')) ? `ARRIVES: ${seen.join(' and ')}` : 'removed';
    },
  },
  ...[
    '/auth/validate',
    '/auth/validate/reports/',
    '/auth/%76alidate',
    '/auth//validate',
    '/auth/./validate',
    '/auth/validate/x%2f..%2f..%2fme',
  ].flatMap((target) =>
    [
      ['X-Original-URI: /', 'X-Original-Method: GET', 'X-Original-Host: app.corp.example'],
      ['X-Forwarded-Uri: /', 'X-Forwarded-Method: GET'],
    ].map(
      (told): Case => ({
        name: `client asks \`${target}\` itself, by \`${told[0]?.split(':', 1)[0]}\`, alice`,
        run: async (stand) => {
          const answer = await stand.send({ target, headers: by(stand, 'alice', told) });
          return valuesOf(answer.fields, 'x-authenticated-user').length > 0 ? 'ANSWERS IT' : outcome(answer);
        },
      }),
    ),
  ),
];

const passing: readonly Case[] = [
  {
    name: 'the app sees its own cookies, and not Cardea’s',
    run: async (stand) => {
      const headers = [`Cookie: theme=dark; ${stand.cookie('alice')}; lang=en`];
      const { arrived } = await stand.send({ headers });
      return arrived === undefined ? 'refused' : valuesOf(arrived.fields, 'cookie').join(' AND ');
    },
  },
  {
    name: 'the app sees no cookie when it has none',
    run: async (stand) => {
      const { arrived } = await stand.send({ headers: by(stand, 'alice') });
      return arrived === undefined ? 'refused' : `${valuesOf(arrived.fields, 'cookie').length} cookies`;
    },
  },
  {
    name: 'the app sees no API key',
    run: async (stand) => {
      const { arrived } = await stand.send({ headers: [`X-API-Key: ${stand.key}`] });
      return arrived === undefined ? 'refused' : JSON.stringify(arrived).includes(stand.key) ? 'SEES IT' : 'sees none';
    },
  },
  {
    name: 'the app gets an `Authorization` that is its own affair',
    run: async (stand) => {
      const { arrived } = await stand.send({ headers: by(stand, 'alice', ['Authorization: Basic YTpi']) });
      return arrived === undefined ? 'refused' : valuesOf(arrived.fields, 'authorization').join(' AND ');
    },
  },
  {
    name: 'the app gets all of the identity, once each',
    run: async (stand) => {
      const { arrived } = await stand.send({ headers: by(stand, 'alice') });
      if (arrived === undefined) return 'refused';
      const names = ['user', 'upn', 'email', 'name', 'groups', 'roles'].map((name) => `x-authenticated-${name}`);
      const there = [...names, 'x-cardea-assertion', 'x-request-id'].map((name) => [
        name,
        valuesOf(arrived.fields, name),
      ]);
      return there
        .filter(([, values]) => values?.length !== 0)
        .map(([name, values]) => String(name).replace(/^x-(?:authenticated-)?/, '') + (values?.length === 1 ? '' : '!'))
        .join(' ');
    },
  },
  {
    name: 'a session is renewed on the way',
    run: async (stand) => {
      const answer = await stand.send({ headers: by(stand, 'renewed') });
      const cookies = valuesOf(answer.fields, 'set-cookie').map((line) => line.split('=', 1)[0] ?? '');
      return `${outcome(answer)}, sets ${cookies.sort().join(' ')}`;
    },
  },
  {
    name: 'a WebSocket renews its session',
    run: async (stand) => {
      const answer = await stand.send({ target: '/live', headers: by(stand, 'renewed', handshake) });
      const cookies = valuesOf(answer.fields, 'set-cookie').map((line) => line.split('=', 1)[0] ?? '');
      return `${outcome(answer)}, sets ${cookies.sort().join(' ')}`;
    },
  },
  {
    name: 'nothing is set without need',
    run: async (stand) => {
      const answer = await stand.send({ target: '/health' });
      return `${answer.status}, ${valuesOf(answer.fields, 'set-cookie').length} cookies set`;
    },
  },
  {
    name: 'a planted pair of cookies is removed',
    run: async (stand) => {
      const answer = await stand.send({ headers: [`Cookie: ${stand.cookie('alice')}; ${stand.cookie('bob')}`] });
      const cookies = valuesOf(answer.fields, 'set-cookie').map((line) => line.split('=', 1)[0] ?? '');
      return `${answer.status}, sets ${cookies.sort().join(' ')}`;
    },
  },
  {
    name: 'a stream token in the address',
    run: async (stand) => {
      const headers = [`X-API-Key: ${stand.key}`, 'Content-Type: application/json'];
      const body = JSON.stringify({ path: '/events' });
      const made = await stand.send({ method: 'POST', target: '/auth/stream-tokens', headers, body });
      const { token, url } = JSON.parse(made.body);
      const answer = await stand.send({ target: `${url}&from=7`, headers: ['Accept: text/event-stream'] });
      if (answer.arrived === undefined) return outcome(answer);
      const seen = JSON.stringify(answer.arrived).includes(token);
      return `${outcome(answer)}, app sees ${seen ? 'THE TOKEN' : answer.arrived.target}`;
    },
  },
];

/** Targets that servers read differently. bob may see everything but what is below /reports. */
const oddTargets: readonly string[] = [
  '/REPORTS/',
  '/%72eports/',
  '/%2e/reports/',
  '/reports%2f',
  '/reports%2F..%2F',
  '/reports%5c',
  '/x/../reports/',
  '/x/..;/reports/',
  '/x/..%3b/reports/',
  '/x/%2e%2e/reports/',
  '/x%2f..%2freports/',
  '/health/../reports/',
  '/health/..%2freports/',
  '//reports/',
  '/./reports/',
  '/reports//x',
  '/reports;x/',
  '/reports/;x',
  '/;x/reports/',
  '/reports./',
  '/reports%20/',
  '/reports%00/',
  '/reports%0a/',
  '/reports%252f',
  '/%c0%af/reports/',
  '/r%c3%a9ports/',
  '/reports\\x',
  '/r\xe9ports/',
  '/reports/#x',
  '/reports/%',
  'http://app.corp.example/reports/',
  'http://other.corp.example/reports/',
  '*',
];

const odd: readonly Case[] = [
  ...oddTargets.map(
    (target): Case => ({
      name: `\`${target.replace('\xe9', '<E9>')}\`, bob`,
      run: async (stand) => {
        const answer = await stand.send({ target, headers: by(stand, 'bob') });
        const { arrived } = answer;
        if (arrived === undefined) return outcome(answer);
        return `${answer.status}, app gets \`${arrived.target}\``;
      },
    }),
  ),
  plain('host with a dot at its end, bob', (stand) => ({
    host: 'app.corp.example.',
    target: '/reports/',
    headers: by(stand, 'bob'),
  })),
  plain('host in upper case, bob', (stand) => ({
    host: 'APP.CORP.EXAMPLE',
    target: '/reports/',
    headers: by(stand, 'bob'),
  })),
  {
    name: '`/a?b=%2F..//#`-like query stays as it is, alice',
    run: async (stand) => {
      const target = '/a%20b?x=%2F..%2f//&y=%41|{}&z=a+b';
      const { arrived, status } = await stand.send({ target, headers: by(stand, 'alice') });
      return arrived === undefined ? String(status) : arrived.target === target ? 'as sent' : `\`${arrived.target}\``;
    },
  },
];

export interface CaseGroup {
  readonly title: string;
  readonly cases: readonly Case[];
}

/** Everything that is asked. */
export const caseGroups: readonly CaseGroup[] = [
  { title: 'Requests', cases: requests },
  { title: 'Methods', cases: methods },
  { title: 'Upgrades', cases: upgrades },
  {
    title: 'Forged fields',
    cases: [
      ...forgeries.map((field) => forged('alice', field)),
      forged(undefined, ['X-Authenticated-User', 'CORP\\admin']),
      forged(undefined, ['X_Authenticated_User', 'CORP\\admin']),
    ],
  },
  { title: 'Clients that speak to the question', cases: meddling },
  { title: 'What passes', cases: passing },
  { title: 'Odd paths', cases: odd },
];
