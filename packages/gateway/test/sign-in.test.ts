import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  asBrowser,
  sessionOf,
  openSocket,
  send,
  signIn,
  signOut,
  startTestGateway,
  type TestGateway,
  usersFile,
} from './harness.ts';

let gateway: TestGateway;
let clock = Date.now();

before(async () => {
  gateway = await startTestGateway({
    now: () => clock,
    files: { 'users.yaml': await usersFile({ alice: ['team-ai', 'dep1'], bob: ['dep2'] }) },
    config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
roles:
  analyst: { groups: [TEAM-AI], modules: [Reports] }
apps:
  - name: sample
    host: "*"
    upstream: ${upstream}
    rules:
      - { path: /app.css, public: true }
      - { path: /reports/**, module: Reports }
      - { path: /**, signed_in: true }
`,
  });
});
after(() => gateway.close());

const form = (fields: Readonly<Record<string, string>>) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
});

test('a page without a session sends a browser to the form, which knows the way back', async () => {
  const response = await send(`${gateway.origin}/reports/?year=2026`, { headers: asBrowser });
  assert.equal(response.status, 303);
  assert.equal(response.headers.location, '/auth/login?return=%2Freports%2F%3Fyear%3D2026');
});

test('an API call without a session gets 401 and JSON, never a redirect', async () => {
  const response = await send(`${gateway.origin}/api/whoami`, { headers: { Accept: 'application/json' } });
  assert.equal(response.status, 401);
  assert.equal(JSON.parse(response.body).error, 'not-signed-in');
});

test('an upgrade without a session gets 401, never a redirect', async () => {
  const handshake = await openSocket(`${gateway.origin}/ws`);
  assert.equal(handshake.kind === 'refused' && handshake.status, 401);
});

test('a wrong password and an unknown name get the same page', async () => {
  const wrong = await send(`${gateway.origin}/auth/login`, form({ name: 'alice', password: 'guess', return: '/' }));
  const unknown = await send(`${gateway.origin}/auth/login`, form({ name: 'nobody', password: 'guess', return: '/' }));
  assert.deepEqual([wrong.status, unknown.status], [403, 403]);
  assert.equal(unknown.body.replace('value="nobody"', 'value="alice"'), wrong.body);
  assert.match(wrong.body, /role="alert"/);
});

test('the form signs in, sets a session cookie for the browser alone and goes back to where the person was', async () => {
  const response = await send(
    `${gateway.origin}/auth/login`,
    form({ name: 'alice', password: 'alice-password', return: '/reports/' }),
  );
  assert.equal(response.status, 303);
  assert.equal(response.headers.location, '/reports/');
  assert.match(response.headers['set-cookie']?.[0] ?? '', /^cardea=[\w-]+;.*HttpOnly.*SameSite=Lax/i);
});

test('signing in with a session at hand starts another one, and the first has ended', async () => {
  const planted = await signIn(gateway.origin, 'alice');
  const { headers, ...posted } = form({ name: 'bob', password: 'bob-password', return: '/' });
  const response = await send(`${gateway.origin}/auth/login`, { ...posted, headers: { ...headers, Cookie: planted } });
  const whoami = async (cookie: string): Promise<unknown> =>
    JSON.parse((await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: cookie } })).body).user;
  assert.notEqual(sessionOf(response), planted);
  assert.equal(await whoami(sessionOf(response)), 'CORP\\bob');
  assert.equal((await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: planted } })).status, 401);
});

test('the form never leads to another site', async () => {
  const response = await send(
    `${gateway.origin}/auth/login`,
    form({ name: 'bob', password: 'bob-password', return: '//evil.example/' }),
  );
  assert.equal(response.headers.location, '/');
});

test('a form that another site has posted is refused before the password is looked at', async () => {
  const attempts = gateway.audit('sign-in').length;
  const response = await send(`${gateway.origin}/auth/login`, {
    ...form({ name: 'bob', password: 'bob-password', return: '/' }),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: 'https://evil.example' },
  });
  assert.equal(response.status, 403);
  assert.equal(gateway.audit('sign-in').length, attempts);
});

test('the app receives account, groups and roles over HTTP', async () => {
  const cookie = await signIn(gateway.origin, 'alice');
  const { body } = await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: cookie } });
  const { user, groups, roles } = JSON.parse(body);
  assert.deepEqual({ user, groups, roles }, { user: 'CORP\\alice', groups: ['team-ai', 'dep1'], roles: ['analyst'] });
});

test('the app receives the same on the WebSocket upgrade, and the subprotocol passes through', async () => {
  const cookie = await signIn(gateway.origin, 'alice');
  const handshake = await openSocket(`${gateway.origin}/ws`, { Cookie: cookie }, ['sample.v1', 'sample.v2']);
  assert.equal(handshake.kind, 'open');
  if (handshake.kind !== 'open') return;
  assert.equal(JSON.parse(await handshake.first).visitor.user, 'CORP\\alice');
  assert.equal(handshake.socket.protocol, 'sample.v1');
  handshake.socket.terminate();
});

test('the app sees neither the session cookie nor other traces of it, and its own cookies stay', async () => {
  const cookie = await signIn(gateway.origin, 'alice');
  const { body } = await send(`${gateway.origin}/headers`, { headers: { Cookie: `theme=dark; ${cookie}; lang=de` } });
  const fields = new Map<string, string>(JSON.parse(body));
  assert.equal(fields.get('Cookie'), 'theme=dark; lang=de');
});

test('a person without the module gets the 403 page, a program JSON', async () => {
  const cookie = await signIn(gateway.origin, 'bob');
  const page = await send(`${gateway.origin}/reports/`, { headers: { ...asBrowser, Cookie: cookie } });
  assert.equal(page.status, 403);
  assert.match(page.body, /signed in as <strong>CORP\\bob<\/strong>/);
  const json = await send(`${gateway.origin}/reports/`, { headers: { Cookie: cookie } });
  assert.equal(json.status, 403);
  assert.equal(JSON.parse(json.body).error, 'not-allowed');
  assert.equal(gateway.audit('refused').at(-1)?.['reason'], 'module-missing');
});

test('a public path asks for nothing and tells the app nothing', async () => {
  const response = await send(`${gateway.origin}/app.css`);
  assert.equal(response.status, 200);
  assert.equal(response.headers['set-cookie'], undefined);
});

test('/auth/me says who I am, what I may open and when this ends', async () => {
  const cookie = await signIn(gateway.origin, 'alice');
  const response = await send(`${gateway.origin}/auth/me`, { headers: { Cookie: cookie } });
  const me = JSON.parse(response.body);
  assert.equal(me.account, 'CORP\\alice');
  assert.deepEqual(me.modules, ['Reports']);
  assert.equal(me.expires_at, new Date(clock + 8 * 3_600_000).toISOString());
});

test('signing out takes a POST and removes the cookie', async () => {
  const cookie = await signIn(gateway.origin, 'alice');
  const asked = await send(`${gateway.origin}/auth/logout`, { headers: { ...asBrowser, Cookie: cookie } });
  assert.match(asked.body, /<form method="post" action="\/auth\/logout">/);
  const done = await signOut(gateway.origin, cookie);
  assert.equal(sessionOf(done), 'cardea=');
  assert.match(done.headers['set-cookie']?.[0] ?? '', /Max-Age=0/);
});

test('signing out takes the token of the session, in the form or in a field, and no other', async () => {
  const [cookie, other] = [await signIn(gateway.origin, 'alice'), await signIn(gateway.origin, 'alice')];
  const page = await send(`${gateway.origin}/auth/logout`, { headers: { ...asBrowser, Cookie: other } });
  const token = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
  const post = (session: string, csrf: string) => {
    const { method, headers, body } = form({ csrf });
    return send(`${gateway.origin}/auth/logout`, { method, headers: { ...headers, Cookie: session }, body });
  };
  assert.equal((await post(cookie, token)).status, 403);
  assert.equal(
    (await send(`${gateway.origin}/auth/logout`, { method: 'POST', headers: { Cookie: other } })).status,
    403,
  );
  assert.equal((await post(other, token)).status, 200);
  assert.equal(gateway.audit('refused').at(-1)?.['reason'], 'csrf');
});

test('a reserved path that nobody answers never reaches the app', async () => {
  assert.equal((await send(`${gateway.origin}/auth/secret`)).status, 404);
});

test('an altered session cookie is nobody, and is removed', async () => {
  const cookie = await signIn(gateway.origin, 'alice');
  const altered = `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}`;
  const response = await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: altered } });
  assert.equal(response.status, 401);
  assert.match(response.headers['set-cookie']?.[0] ?? '', /^cardea=;.*Max-Age=0/);
});

test('two session cookies at once are nobody: one of them was planted', async () => {
  const [alice, bob] = [await signIn(gateway.origin, 'alice'), await signIn(gateway.origin, 'bob')];
  assert.equal((await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: `${alice}; ${bob}` } })).status, 401);
});

test('a session that is used is renewed, and ends eight hours after the sign-in all the same', async () => {
  const start = clock;
  let cookie = await signIn(gateway.origin, 'alice');
  for (; clock < start + 8 * 3_600_000 - 30 * 60_000; clock += 30 * 60_000) {
    const response = await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: cookie } });
    assert.equal(response.status, 200);
    if (response.headers['set-cookie'] !== undefined) cookie = sessionOf(response);
  }
  clock = start + 8 * 3_600_000;
  assert.equal((await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: cookie } })).status, 401);
});

test('a session that is not used for an hour has ended', async () => {
  const cookie = await signIn(gateway.origin, 'alice');
  clock += 3_600_001;
  assert.equal((await send(`${gateway.origin}/api/whoami`, { headers: { Cookie: cookie } })).status, 401);
});
