/**
 * One way to an app that says what arrives: through our own proxy, or through another one that asks Cardea.
 *
 * @module
 */
import { makeKey } from '../../packages/gateway/test/credentials.ts';
import { startTestGateway, type TestGateway, until, usersFile } from '../../packages/gateway/test/harness.ts';
import { type EchoApp, type RawAnswer, type RawRequest, sendRaw, startEchoApp, valuesOf } from './forward-auth-app.ts';
import { proxyNames, startProxy } from './forward-auth-proxies.ts';

export const ways = ['cardea', ...proxyNames] as const;
export type Way = (typeof ways)[number];

const minute = 60_000;
const hour = 60 * minute;

/** Who asks, by a session of a certain age. */
export type Person = 'alice' | 'bob' | 'expired' | 'renewed';

export interface Stand {
  readonly way: Way;
  readonly port: number;
  readonly gateway: TestGateway;
  /** What `keys create` has printed. */
  readonly key: string;
  /** Sends a request the way that a client does. */
  send(request: RawRequest): Promise<RawAnswer>;
  cookie(person: Person): string;
  close(): Promise<void>;
}

/** As the sections stand in the configuration. */
export interface StandOptions {
  /** Entries of `sign_in` in front of passwords. */
  readonly signIn?: string;
  /** Changes the files of the proxy. */
  readonly proxyFiles?: (text: string) => string;
}

/** Starts everything on the way. alice is in the group that may see reports, bob is not. */
export async function startStand(way: Way, options: StandOptions = {}): Promise<Stand> {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.toReversed()) await closer();
  };
  try {
    const app = await startEchoApp();
    closers.push(() => app.close());
    const clock = { ahead: 0 };
    const gateway = await startTestGateway({
      files: { 'users.yaml': await usersFile({ alice: ['team-ai'], bob: ['dep1'] }) },
      config: () => configuration(way, app, options.signIn),
      now: () => Date.now() + clock.ahead,
    });
    closers.push(() => gateway.close());
    const cardea = Number(new URL(gateway.origin).port);
    const [, grpc] = gateway.gateway.addresses;
    const ports = { cardea, app: app.port, grpc: grpc === undefined ? undefined : Number(grpc.split(':').at(-1)) };
    const proxy = way === 'cardea' ? undefined : await startProxy(way, ports, options.proxyFiles);
    if (proxy !== undefined) closers.push(() => proxy.stop());
    const port = proxy?.port ?? cardea;
    // Some begin to listen before they know where to.
    await until(async () => (await sendRaw(port, { target: '/auth/login' })).status === 200, `${way} serves`, 15_000);
    const key = await makeKey(gateway.folder, 'nightly');
    const signInAt = async (name: string, ahead: number): Promise<string> => {
      clock.ahead = ahead;
      const cookie = await signInBy(port, name);
      clock.ahead = 0;
      return cookie;
    };
    const cookies: Record<Person, string> = {
      expired: await signInAt('alice', -9 * hour),
      renewed: await signInAt('alice', -20 * minute),
      alice: await signInAt('alice', 0),
      bob: await signInAt('bob', 0),
    };
    return { way, port, gateway, key, send: (request) => sendRaw(port, request), cookie: (who) => cookies[who], close };
  } catch (error) {
    await close();
    throw error;
  }
}

function configuration(way: Way, app: EchoApp, signIn = ''): string {
  const asked =
    way === 'cardea' || way === 'apache'
      ? ''
      : way === 'envoy-grpc'
        ? 'forward_auth: { proxy: envoy, grpc: { address: 127.0.0.1:0 } }\n'
        : `forward_auth: { proxy: ${way} }\n`;
  return `
${way === 'cardea' ? '' : 'trusted_proxies: [127.0.0.1]\n'}${asked}
sign_in:
${signIn}  - password: { users: users.yaml }
  - api_key: {}
  - stream_token: {}
apps:
  - name: desk
    host: app.corp.example
    upstream: http://127.0.0.1:${app.port}
    rules:
      - { path: /health, public: true }
      - { path: /reports/**, groups: [team-ai] }
      - { path: /**, signed_in: true }
`;
}

/** Signs in by the form, as a browser does, whatever is in between. */
async function signInBy(port: number, name: string): Promise<string> {
  const body = new URLSearchParams({ name, password: `${name}-password`, return: '/' }).toString();
  const answer = await sendRaw(port, {
    method: 'POST',
    target: '/auth/login',
    headers: ['Content-Type: application/x-www-form-urlencoded'],
    body,
  });
  const [cookie = ''] = valuesOf(answer.fields, 'set-cookie').filter((line) => line.startsWith('cardea='));
  if (cookie === '') throw new Error(`Cannot sign in ${name}: ${answer.status} ${answer.body.slice(0, 300)}`);
  return cookie.split(';', 1)[0] ?? '';
}
