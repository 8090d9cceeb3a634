/**
 * A recipe of `examples/recipes` as it is used: its app, a gateway with its `cardea.yaml`, and a Chromium that signs on silently
 * and asks for the app under its own name, on port 443.
 *
 * @module
 */

import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { type Browser, startChromium } from '../../lab/chromium.ts';
import { servicePassword } from '../../lab/domain.ts';
import { address, paths } from '../../lab/files.ts';
import { sidOf } from '../../lab/lab.ts';
import { run } from '../../lab/processes.ts';
import { recipes } from '../../lab/recipes/parts.ts';
import { type RecipeName, type RecipeServer, startRecipe } from '../../lab/recipes/servers.ts';
import { kinit } from '../../lab/tokens.ts';
import { send, startTestGateway, type TestGateway, until } from '../../packages/gateway/test/harness.ts';
import type { TestAccount } from './accounts.ts';
import { certificate } from './gateway.ts';

export interface RecipeOptions {
  /** What stands in the place of words of its configuration, such as groups; on top of what a test needs anyway. */
  readonly replace?: Readonly<Record<string, string>>;
  /** Whose ticket the browser has. */
  readonly user?: string;
}

export interface Recipe {
  /** `https://app.corp.example`. */
  readonly origin: string;
  readonly gateway: TestGateway;
  readonly app: RecipeServer;
  readonly page: Page;
  readonly browser: Browser;
  /** How far the gateway's clock is ahead of the time, in milliseconds. */
  readonly clock: { ahead: number };
  /** Ends every connection between browser and gateway, as a network does that breaks: without a word. */
  breakConnections(): void;
  /** Asks for something a while later, so that the cookie is written again; the session must have an idle limit of a minute. */
  renewSession(): Promise<void>;
  /** What the gateway has signed about the person of the browser, for this app or for another one. */
  assertion(app: 'own' | 'other'): Promise<string>;
  /** Takes the browser's Windows ticket away: whoever is signed out from now on stays so. */
  dropTicket(): void;
  /** Signs the person, or another one, in to Windows again. */
  newTicket(person?: string): Promise<void>;
  /** What has become of the WebSockets of the page. */
  sockets(): Promise<readonly PageSocket[]>;
  /** Waits until the page has opened another WebSocket after one that has ended. */
  socketAgain(): Promise<void>;
  /** Does what ends the page's open WebSocket, waits for that, and gives what it was told. */
  socketEnd(cause: () => Promise<void>, limitMs?: number): Promise<string>;
  /** Waits until the page has tried to come back so often, in vain. */
  refusedTries(times: number): Promise<void>;
  /** `cardea sessions revoke --user USER`, as an administrator runs it beside the gateway. */
  revoke(user: string): Promise<void>;
  close(): Promise<void>;
}

/** A WebSocket as the page has seen it. */
export interface PageSocket {
  readonly path: string;
  readonly open: boolean;
  /** The code of its close event. */
  readonly code?: number;
  readonly reason?: string;
}

/** A person of the lab, to be put into a group of a test. */
export const memberOf = (user: string): TestAccount => {
  const sid = sidOf(user);
  return { name: user, dn: `<SID=${sid}>`, sid, password: '' };
};

/** Starts all of it; the page is blank yet. */
export async function startRecipeLab(name: RecipeName, options: RecipeOptions = {}): Promise<Recipe> {
  const closers: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    const text = readFileSync(join(recipes, name, 'cardea.yaml'), 'utf8');
    const host = only(text, /^ +host: (\S+)$/m);
    const { user = 'alice' } = options;
    const audience = only(text, /^ +- name: (\S+)/m);
    const [clock, tls, toGateway] = [{ ahead: 0 }, await certificate(), new Relay()];
    closers.push(() => toGateway.close());
    const proxy = await startConnectProxy(toGateway);
    closers.push(() => proxy.close());

    const folder = mkdtempSync(join(tmpdir(), 'cardea-recipe-'));
    closers.push(() => rmSync(folder, { recursive: true, force: true }));
    const ca = join(folder, 'ca.pem');
    writeFileSync(ca, tls['tls.pem']);
    const [ccache, app] = await Promise.all([
      kinit(user),
      startRecipe(name, {
        CARDEA_JWKS: `https://${host}/.well-known/jwks.json`,
        CARDEA_AUDIENCE: audience,
        // The name leads to the gateway, and the app believes its certificate.
        https_proxy: `http://127.0.0.1:${proxy.port}`,
        NODE_USE_ENV_PROXY: '1',
        SSL_CERT_FILE: ca,
        NODE_EXTRA_CA_CERTS: ca,
      }),
    ]);
    closers.push(
      () => rmSync(ccache, { force: true }),
      () => app.close(),
    );

    const gateway = await startTestGateway({
      listen: '{ address: "127.0.0.1:0", tls: { cert: tls.pem, key: tls.key } }',
      files: tls,
      env: { LDAP_PASSWORD: servicePassword },
      now: () => Date.now() + clock.ahead,
      config: (sample) =>
        `session: { lifetime: 8h, idle: 1m }\n${forTests(text, app.port, options.replace ?? {})}${mirrors(sample, audience)}`,
    });
    closers.push(() => gateway.close());
    toGateway.port = Number(new URL(gateway.origin).port);
    await toGateway.listen();

    const browser = await startChromium({ ccache, connectTo: `127.0.0.1:${toGateway.listening}`, otherHosts: [] });
    closers.push(() => browser.close());
    await browser.context.addInitScript(recordSockets);
    const page = browser.context.pages()[0] ?? (await browser.context.newPage());
    let refused = 0;
    page.on('response', (response) => {
      if ([401, 403].includes(response.status())) refused++;
    });
    const sockets = (): Promise<readonly PageSocket[]> =>
      page.evaluate('globalThis.seenSockets.map((seen) => ({ ...seen }))');
    return {
      origin: `https://${host}`,
      gateway,
      app,
      page,
      browser,
      clock,
      breakConnections: () => toGateway.breakAll(),
      async renewSession() {
        const cookie = async () =>
          (await browser.context.cookies()).find(({ name }) => name === '__Host-cardea')?.value;
        const before = await cookie();
        clock.ahead += 10_000;
        await page.evaluate("fetch('/auth/me', { cache: 'no-store' }).then((response) => response.text())");
        await until(async () => (await cookie()) !== before, 'the cookie is written again');
      },
      async assertion(of) {
        const { name = '', value = '' } = (await browser.context.cookies()).find(isSession) ?? {};
        const headers = { Host: `${of}.corp.example`, Cookie: `${name}=${value}` };
        const { body } = await send(`${gateway.origin}/headers`, { headers });
        return only(body, /"(eyJ[\w-]+\.[\w-]+\.[\w-]+)"/);
      },
      dropTicket: () => rmSync(ccache, { force: true }),
      newTicket: async (person = user) => renameSync(await kinit(person), ccache),
      sockets,
      socketAgain: () =>
        until(
          async () => {
            const all = await sockets();
            return all.some(({ code }) => code !== undefined) && all.at(-1)?.open === true;
          },
          'a WebSocket after the one that ended',
          20_000,
        ),
      async socketEnd(cause, limitMs = 5_000) {
        const at = (await sockets()).findLastIndex(({ open }) => open);
        await cause();
        const end = async () => (await sockets())[at];
        await until(async () => (await end())?.open === false, 'the WebSocket ends', limitMs);
        const { code, reason } = (await end()) ?? {};
        return `${code} ${reason}`;
      },
      async refusedTries(times) {
        // A WebSocket that is refused tells its page nothing but 1006.
        const tries = async () => refused + (await sockets()).filter(({ code }) => code === 1006).length;
        const before = await tries();
        await until(async () => (await tries()) >= before + times, 'the page tries again, in vain', 20_000);
        const all = await sockets();
        if (all.some(({ open }) => open)) throw new Error(`The page got back in: ${JSON.stringify(all)}`);
      },
      async revoke(user) {
        const main = join(import.meta.dirname, '../../packages/gateway/src/main.ts');
        const args = [main, 'sessions', 'revoke', '--user', user, join(gateway.folder, 'cardea.yaml')];
        await run(process.execPath, args, { env: { LDAP_PASSWORD: servicePassword } });
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const isSession = ({ name }: { readonly name: string }): boolean => name === '__Host-cardea';

/** Two more apps, which show what they get: one with the assertions of the recipe's. */
const mirrors = (sample: string, audience: string): string => `
  - { name: own, host: own.corp.example, upstream: "${sample}", assertion: { audience: ${audience} }, rules: [{ path: /**, signed_in: true }] }
  - { name: other, host: other.corp.example, upstream: "${sample}", rules: [{ path: /**, signed_in: true }] }
`;

/** The recipe's configuration, but for addresses, the places of files, and how soon what changes in the directory is seen. */
function forTests(text: string, port: number, replace: Readonly<Record<string, string>>): string {
  const replaced = text
    .replaceAll(/^(?:listen|state|session):(?:.*)\n(?: .*\n)*/gm, '')
    .replace(/^( +upstream: http:\/\/127\.0\.0\.1:)\d+$/m, `$1${port}`)
    .replace('revalidate: 30s', 'revalidate: 2s')
    .replace('cache: 1m', 'cache: 10s')
    .replace('/etc/cardea/http.keytab', paths.keytab)
    .replace('ldaps://dc1.corp.example', `ldaps://${address}`)
    .replace('tls/corp-ca.pem', paths.ca)
    .replace('${file:/run/secrets/ldap}', '${env:LDAP_PASSWORD}');
  return Object.entries(replace).reduce((result, [from, to]) => {
    if (!result.includes(from)) throw new Error(`Cannot replace "${from}": the recipe has no such thing`);
    return result.replaceAll(from, to);
  }, replaced);
}

function only(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`Cannot read the recipe: nothing fits ${pattern}`);
  return found;
}

/** Runs in the page before its own scripts: keeps a list of its WebSockets. */
const recordSockets = `(() => {
  if (globalThis.seenSockets) return;
  const seen = (globalThis.seenSockets = []);
  globalThis.WebSocket = class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      const entry = { path: new URL(url, location.href.replace('http', 'ws')).pathname, open: false };
      seen.push(entry);
      this.addEventListener('open', () => (entry.open = true));
      this.addEventListener('close', ({ code, reason }) => Object.assign(entry, { open: false, code, reason }));
    }
  };
})()`;

/** Passes bytes on between the browser and the gateway, until it breaks. */
class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Of the gateway. */
  port = 0;

  constructor() {
    this.#server = createServer((client) => this.join(client));
  }

  get listening(): number {
    return portOf(this.#server);
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Connects a client with the gateway. */
  join(client: Socket): void {
    const gateway = connect(this.port, '127.0.0.1');
    for (const [from, to] of [
      [client, gateway],
      [gateway, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {}); // 'close' tells
      from.on('close', (broken) => {
        this.#sockets.delete(from);
        if (broken) to.destroy();
        else to.end(); // what has not gone out yet goes out first
      });
      from.pipe(to);
    }
  }

  breakAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** The proxy of the apps, for which the gateway's name leads to the gateway. */
async function startConnectProxy(relay: Relay): Promise<{ readonly port: number; close(): void }> {
  const server = createHttpServer();
  server.on('connect', (_request, socket: Socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    relay.join(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: portOf(server), close: () => server.close() };
}

function portOf(server: Server): number {
  const where = server.address();
  if (where === null || typeof where === 'string') throw new Error('Cannot find the port: it does not listen');
  return where.port;
}
