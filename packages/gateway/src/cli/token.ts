import { createTokenClient, TokenError } from '@cardea/client';
import { fileCache, systemNegotiate, type Way, ways } from '@cardea/client/node';
import type { Arguments, Command, Terminal } from './command.ts';
import { speechOf } from './speech.ts';

/** `cardea token`: a token for scripts, by the sign-in of whoever runs it. */
export const token: Command = {
  name: 'token',
  summary: 'get a token with your sign-in on this machine, for scripts',
  operands: [],
  help: `Signs in to the issuer with your Kerberos ticket (Windows: your sign-in) and prints the token:

  curl -H "$(cardea token --header --url https://auth.corp.example)" https://llm.corp.example/v1/models

By the system's library where koffi is installed, else by curl. Needs no configuration file.
The token is a secret until it ends. Standard output has nothing else; what is wrong is on standard error.`,
  options: {
    url: { type: 'string', value: 'issuer', summary: 'the issuer: https://… (default: CARDEA_ISSUER)' },
    client: { type: 'string', value: 'id', summary: "one of the issuer's clients (default: its first)" },
    audience: { type: 'string', value: 'name', summary: 'whom the token is for (default: the first of the client)' },
    groups: { type: 'string', value: 'a,b', summary: 'only these of the groups that the token would have' },
    header: { type: 'boolean', summary: 'print it as the header field "Authorization: Bearer …"' },
    json: { type: 'boolean', summary: 'print JSON, with the time when it ends' },
    decode: { type: 'boolean', summary: 'print what is in the token instead; nothing of it is verified' },
    cache: { type: 'boolean', summary: 'keep the token in a file that only you can read, and use it until it is due' },
    way: { type: 'string', value: ways.join('|'), summary: 'how to sign in' },
    service: {
      type: 'string',
      value: 'host',
      summary: 'the name of the service in the domain, if not the one in --url',
    },
    'allow-http': { type: 'boolean', summary: 'take an issuer without HTTPS; others can read the token on its way' },
  },
  async run(args, terminal) {
    const { misunderstood } = speechOf('token', terminal);
    const url = text(args, 'url') ?? terminal.env['CARDEA_ISSUER'];
    if (url === undefined || url === '') return misunderstood('say --url, or set CARDEA_ISSUER');
    if (!/^https?:/i.test(url) || !URL.canParse(url)) return misunderstood('--url is not an address (https://…)');
    if (['header', 'json', 'decode'].filter((name) => args.options[name] === true).length > 1)
      return misunderstood('say one of --header, --json, --decode');
    const wanted = text(args, 'way');
    const way = ways.find((one) => one === wanted);
    if (wanted !== undefined && way === undefined) return misunderstood(`--way is one of ${ways.join(', ')}`);
    try {
      const value = await tokenFor(url, way, args, terminal);
      terminal.stdout.write(print(value, args));
      return 0;
    } catch (error) {
      if (error instanceof TypeError) return misunderstood(error.message);
      if (!(error instanceof TokenError)) throw error;
      terminal.stderr.write(`cardea token: ${error.message}\n`);
      return 1;
    }
  },
};

const text = (args: Arguments, name: string): string | undefined => {
  const value = args.options[name];
  return typeof value === 'string' ? value : undefined;
};

async function tokenFor(url: string, way: Way | undefined, args: Arguments, terminal: Terminal): Promise<string> {
  const [client, audience, groups, service] = ['client', 'audience', 'groups', 'service'].map((name) =>
    text(args, name),
  );
  return createTokenClient({
    url,
    negotiate: systemNegotiate({
      ...(way === undefined ? {} : { way }),
      ...(service === undefined ? {} : { service }),
      curl: { env: terminal.env },
    }),
    ...(client === undefined ? {} : { client }),
    ...(audience === undefined ? {} : { audience }),
    ...(groups === undefined ? {} : { groups: groups.split(',') }),
    ...(args.options['cache'] === true ? { cache: fileCache({ env: terminal.env }) } : {}),
    dangerouslyAllowHttp: args.options['allow-http'] === true,
    now: terminal.now,
  }).token();
}

function print(value: string, { options }: Arguments): string {
  if (options['header'] === true) return `Authorization: Bearer ${value}\n`;
  if (options['decode'] === true) {
    const [header, claims] = value.split('.', 2).map(decoded);
    return `${JSON.stringify({ verified: false, header, claims }, undefined, 2)}\n`;
  }
  if (options['json'] !== true) return `${value}\n`;
  const exp: unknown = Object(decoded(value.split('.')[1] ?? '')).exp;
  const expires = typeof exp === 'number' ? new Date(exp * 1_000).toISOString() : null;
  return `${JSON.stringify({ access_token: value, token_type: 'Bearer', expires_at: expires })}\n`;
}

/** One part of a JWT; `null` when it is none. */
function decoded(part: string): unknown {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return value;
  } catch {
    return null;
  }
}
