/**
 * A provider of the tests' own that answers as a hostile or broken one might. It lets everybody in at once.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** One sign-in, as the provider knows it. */
export interface Asked {
  readonly nonce: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly code: string;
}

export type Claims = Readonly<Record<string, unknown>>;

/** What it does otherwise than a right one. `undefined` leaves it right. */
export interface Behaviour {
  readonly discovery?: (document: Claims) => unknown;
  readonly keys?: (keys: readonly JWK[]) => unknown;
  /** Where the browser is sent. */
  readonly authorize?: (answer: URL, asked: Asked) => URL;
  readonly claims?: (claims: Claims, asked: Asked) => Claims;
  readonly header?: (header: Claims) => Claims;
  /** The whole ID token, from the right claims. */
  readonly idToken?: (claims: Claims, asked: Asked) => string | Promise<string>;
  readonly token?: (body: Claims, asked: Asked) => unknown;
  /** Answers in the place of everything else. */
  readonly raw?: (path: string, response: ServerResponse) => boolean;
}

export interface HostileProvider {
  readonly issuer: string;
  behave(behaviour: Behaviour): void;
  /** A token of its own key. */
  sign(claims: Claims, header?: Claims): Promise<string>;
  readonly publicJwk: JWK;
  readonly key: CryptoKey;
  /** Requests so far. */
  readonly seen: string[];
  readonly asked: Asked[];
  close(): Promise<void>;
}

const kid = 'the-one';

/** Starts it, right in everything. Close it at the end of the test. */
export async function startHostileProvider(host = 'localhost'): Promise<HostileProvider> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' };
  let behaviour: Behaviour = {};
  const seen: string[] = [];
  const asked: Asked[] = [];

  const sign = (claims: Claims, header: Claims = {}): Promise<string> =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', kid, ...header }).sign(privateKey);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', issuer);
    seen.push(url.pathname);
    if (behaviour.raw?.(url.pathname, response) === true) return;
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return json(response, (behaviour.discovery ?? same)(metadata(issuer)));
      case '/jwks':
        return json(response, (behaviour.keys ?? ((keys: readonly JWK[]) => ({ keys })))([publicJwk]));
      case '/authorize':
        return authorize(url, response);
      case '/token':
        return token(await bodyOf(request), response);
      default:
        response.writeHead(404).end();
    }
  }

  function authorize(url: URL, response: ServerResponse): void {
    const of = (name: string): string => url.searchParams.get(name) ?? '';
    const one: Asked = {
      nonce: of('nonce'),
      clientId: of('client_id'),
      redirectUri: of('redirect_uri'),
      state: of('state'),
      code: `code-${asked.length}`,
    };
    asked.push(one);
    const back = new URL(one.redirectUri);
    back.searchParams.set('code', one.code);
    back.searchParams.set('state', one.state);
    back.searchParams.set('iss', issuer);
    response.writeHead(302, { Location: (behaviour.authorize?.(back, one) ?? back).href }).end();
  }

  async function token(form: URLSearchParams, response: ServerResponse): Promise<void> {
    const one = asked.findLast(({ code }) => code === form.get('code')) ?? asked.at(-1);
    if (one === undefined) return json(response, { error: 'invalid_grant' }, 400);
    const now = Math.floor(Date.now() / 1000);
    const right = { iss: issuer, sub: 'alice', aud: one.clientId, iat: now, exp: now + 300, nonce: one.nonce };
    const claims = behaviour.claims?.(right, one) ?? right;
    const idToken =
      (await behaviour.idToken?.(claims, one)) ?? (await sign(claims, behaviour.header?.({ alg: 'RS256', kid }) ?? {}));
    const body = { access_token: 'access', token_type: 'Bearer', expires_in: 300, id_token: idToken };
    json(response, behaviour.token?.(body, one) ?? body);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, host === 'localhost' ? '127.0.0.1' : host, resolve));
  const issuer = `http://${host}:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    behave: (next) => void (behaviour = next),
    sign,
    publicJwk,
    key: privateKey,
    seen,
    asked,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

const same = (document: Claims): unknown => document;

const metadata = (issuer: string): Claims => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256', 'ES256', 'PS256', 'HS256', 'none'],
  authorization_response_iss_parameter_supported: true,
});

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
  return new URLSearchParams(text);
}
