import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openSocket, send, signIn, startTestGateway, type TestGateway, usersFile } from './harness.ts';

let gateway: TestGateway;
const cookies = new Map<string, string>();

before(async () => {
  gateway = await startTestGateway({
    files: { 'users.yaml': await usersFile({ alice: ['team-ai'], loner: [] }) },
    config: (upstream) => `
sign_in: [{ password: { users: users.yaml } }]
apps:
  - name: sample
    host: 127.0.0.1
    upstream: ${upstream}
    headers: { user: X-Remote-User }
    rules:
      - { path: /events, public: true }
      - { path: /headers, methods: [HEAD, GET], signed_in: true }
      - { path: /**, signed_in: true }
  - name: open
    host: 127.0.0.1
    path: /upload
    upstream: ${upstream}
    rules: [{ path: /**, public: true }]
`,
  });
  for (const name of ['alice', 'loner']) cookies.set(name, await signIn(gateway.origin, name));
});
after(() => gateway.close());

/** Every name that any app behind this gateway could take for an identity, and the spellings that servers fold into it. */
const names = [
  'X-Remote-User',
  'X-Authenticated-User',
  'X-Authenticated-UPN',
  'X-Authenticated-Email',
  'X-Authenticated-Name',
  'X-Authenticated-Groups',
  'X-Authenticated-Roles',
  'X-Authenticated-Anything',
  'X-Cardea-Assertion',
  'X-Forwarded-User',
  'X-Auth-Request-Groups',
  'Remote-User',
  'X-IIS-WindowsAuthToken',
];
const spellings: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toLowerCase(),
  (name) => name.toUpperCase(),
  (name) => name.replaceAll('-', '_'),
  (name) => name.replaceAll('-', '.'),
  (name) => name.replace('-', '_').toUpperCase(),
  (name) => name.replace('-', '.').toLowerCase(),
];
const forged = 'CORP\\root';
const attack = names.flatMap((name) =>
  spellings.flatMap((spell) => [spell(name), forged, spell(name), `${forged},admins`]),
);

/** Header fields that carry the forged value, in the eyes of the app. */
const arrived = (body: string): readonly string[] =>
  JSON.parse(body)
    .filter(([, value]: [string, string]) => value.includes('root'))
    .map(([name]: [string, string]) => name);

const ownFields = (person: string): string[] => [
  'Host',
  new URL(gateway.origin).host,
  'Cookie',
  cookies.get(person) ?? '',
];

for (const person of ['alice', 'loner']) {
  test(`forged identity headers do not arrive over HTTP, in any spelling, twice each, for ${person}`, async () => {
    // In portions: a request may have a hundred fields.
    for (let i = 0; i < attack.length; i += 180) {
      const { body, status } = await send(`${gateway.origin}/headers`, {
        headers: ownFields(person).concat(attack.slice(i, i + 180)),
      });
      assert.equal(status, 200, body);
      assert.deepEqual(arrived(body), []);
    }
  });

  test(`forged identity headers do not arrive on the upgrade, in any spelling, for ${person}`, async () => {
    for (let i = 0; i < attack.length; i += 2) {
      const handshake = await openSocket(`${gateway.origin}/ws`, {
        Cookie: cookies.get(person) ?? '',
        [attack[i] ?? '']: forged,
      });
      assert.equal(handshake.kind, 'open');
      if (handshake.kind !== 'open') return;
      assert.deepEqual(arrived(JSON.stringify(JSON.parse(await handshake.first).fields)), [], attack[i] ?? '');
      handshake.socket.terminate();
    }
  });
}

test('forged identity headers do not arrive, one at a time, in any spelling', async () => {
  for (let i = 0; i < attack.length; i += 2) {
    const { body } = await send(`${gateway.origin}/headers`, {
      headers: ['Host', new URL(gateway.origin).host, 'Cookie', cookies.get('alice') ?? '', attack[i] ?? '', forged],
    });
    assert.deepEqual(arrived(body), [], attack[i] ?? '');
  }
});

test('forged identity headers do not arrive where everybody is welcome', async () => {
  const response = await fetch(`${gateway.origin}/events`, {
    headers: { 'X-Authenticated-User': forged, 'X-Remote-User': forged },
  });
  const reader = response.body?.getReader();
  const first = new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  assert.match(first, /"groups":\[\]/);
  assert.doesNotMatch(first, /root/);
});

test('the app gets its own field exactly once, from the gateway, also when the client names it in Connection', async () => {
  const { body } = await send(`${gateway.origin}/headers`, {
    headers: [
      'Host',
      new URL(gateway.origin).host,
      'Cookie',
      cookies.get('alice') ?? '',
      'Connection',
      'keep-alive, X-Remote-User',
      'X-Remote-User',
      forged,
    ],
  });
  const users = JSON.parse(body).filter(([name]: [string]) => name.toLowerCase() === 'x-remote-user');
  assert.deepEqual(users, [['X-Remote-User', 'CORP\\alice']]);
});

test('a person without groups is told to the app as having none, not as unknown', async () => {
  const { body } = await send(`${gateway.origin}/headers`, { headers: { Cookie: cookies.get('loner') ?? '' } });
  assert.equal(new Map<string, string>(JSON.parse(body)).get('X-Authenticated-Groups'), '');
});
