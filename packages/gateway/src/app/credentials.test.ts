import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, test } from 'node:test';
import { exportJWK, SignJWT } from 'jose';
import { z } from 'zod';
import { apiKeyHash, newApiKey } from '../auth/api-key-text.ts';
import type { Credentials, Outcome } from '../auth/authenticator.ts';
import { credentials } from '../auth/credentials-testing.ts';
import { emptyContext } from '../config/json-schema.ts';
import { credentialEntries } from '../config/sections/sign-in-credentials.ts';
import type { ApiKeys } from '../ports/api-keys.ts';
import {
  aLive,
  anApp,
  anIdentity,
  aPassing,
  aPlan,
  appAt,
  call,
  testMoment,
} from '../server/endpoints/endpoints-testing.ts';
import { anApiKey } from '../stores/api-keys.contract.ts';
import { KeyRing, newMasterKey } from '../tokens/key-ring.ts';
import { Closers } from './closers.ts';
import { credentialMethods } from './credentials.ts';

const closers = new Closers();
after(() => closers.closeAll());

const made = newApiKey();
let revoked = false;
const used: string[] = [];
const apiKeys: ApiKeys = {
  create: () => false,
  find: (id) =>
    id === made.id
      ? anApiKey({
          id,
          hash: apiKeyHash(made.text),
          expiresAt: undefined,
          revokedAt: revoked ? 1 : undefined,
          scope: { apps: ['desk'], paths: ['/api/**'], methods: undefined },
        })
      : undefined,
  list: () => [],
  revoke: () => false,
  used: (uses) => void used.push(...uses.map(({ id }) => id)),
  close: () => {},
};

const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keyFile = Buffer.from(JSON.stringify({ keys: [{ ...(await exportJWK(issuer.publicKey)), kid: 'k' }] }));
const desk = anApp('desk', '/', aPlan(['password'], ['api_key', 'stream_token'], 'ticket'));
const spent = new Set<string>();
let ended: string | undefined;

const methodOf = credentialMethods(
  {
    ring: new KeyRing([newMasterKey(0)]),
    claims: { claim: (key) => !spent.has(key) && spent.add(key).size > 0, close: () => {} },
    apiKeys,
    directory: undefined,
    isRevoked: ({ account }) => account === ended,
    appAt: appAt([desk]),
    prefix: '/auth',
    lifetimeMs: 3_600_000,
    read: () => keyFile,
    onTrouble: (message) => assert.fail(message),
  },
  closers,
);

/** The method of an entry as it is written. */
function method(entry: unknown) {
  const made = methodOf(z.strictObject(credentialEntries(emptyContext)).parse(entry));
  assert.ok(made?.authenticator !== undefined);
  return { ...made, authenticator: made.authenticator };
}

const ask = async (entry: unknown, carried: Partial<Credentials>): Promise<Outcome> =>
  method(entry).authenticator.authenticate(credentials({ now: testMoment, app: 'desk', ...carried }));
const account = (outcome: Outcome): string =>
  outcome.kind === 'accepted' ? outcome.identity.account : JSON.stringify(outcome);

test('credentialMethods() makes a method of an API key entry, which knows the own paths', async () => {
  const field = { fields: ['X-API-Key', made.text] };
  assert.equal(account(await ask({ api_key: {} }, { ...field, path: '/api/x' })), 'key:nightly');
  assert.equal(
    account(await ask({ api_key: {} }, { ...field, path: '/auth/stream-tokens', method: 'POST' })),
    'key:nightly',
  );
  assert.match(account(await ask({ api_key: {} }, { ...field, path: '/authority' })), /api-key-scope/);
});

test('credentialMethods() makes a stream token good once, and only as long as the API key behind it', async () => {
  const entry = { stream_token: { parameter: 'ticket', lifetime: '1m' } };
  const { endpoints = [], streamParameter } = method(entry);
  assert.equal(streamParameter, 'ticket');
  const [endpoint] = endpoints;
  assert.ok(endpoint !== undefined);
  const program = aPassing(anIdentity({ subject: `api_key:${made.id}`, account: 'key:nightly', method: 'api_key' }));
  assert.equal((await call(endpoint, desk, program, { path: '/elsewhere' })).status, 403);
  const { body } = await call(endpoint, desk, program, { path: '/api/events' });
  assert.equal(body['expires_in'], 60);
  const offered = { streamToken: String(body['token']), path: '/api/events' };
  const outcome = await ask(entry, offered);
  assert.ok(outcome.kind === 'accepted');
  assert.deepEqual([await outcome.spend?.(), await outcome.spend?.()], [true, false]);
  revoked = true;
  const later = await ask(entry, { ...offered, now: testMoment + 1_000 });
  assert.equal(later.kind === 'rejected' && later.reason, 'stream-token-revoked');
  revoked = false;
});

test('credentialMethods() lets no token live on when the person behind it was signed out', async () => {
  const entry = { stream_token: {} };
  const [endpoint] = method(entry).endpoints ?? [];
  assert.ok(endpoint !== undefined);
  const { body } = await call(endpoint, desk, aLive(anIdentity({ account: 'CORP\\eve' })), { path: '/x' });
  const offered = { streamToken: String(body['token']), path: '/x' };
  assert.equal(account(await ask(entry, offered)), 'CORP\\eve');
  ended = 'CORP\\eve';
  assert.match(account(await ask(entry, offered)), /stream-token-revoked/);
  ended = undefined;
});

test('credentialMethods() makes an approval good for its action, and names the fields that nobody else may send', async () => {
  const entry = {
    approval: {
      approvers: ['risk-team'],
      actions: [{ action: 'approve', app: 'desk', path: '/api/jobs/{job}/approve' }],
    },
  };
  const { endpoints = [], stripped = [] } = method(entry);
  assert.deepEqual(stripped, ['X-Approved-By', 'X-Approved-Job', 'X-Approved-Action']);
  const [endpoint] = endpoints;
  assert.ok(endpoint !== undefined);
  const { body } = await call(endpoint, desk, aLive(anIdentity()), { job: '7', action: 'approve' });
  const offered = { fields: ['X-Approval-Token', String(body['token'])], method: 'POST' };
  assert.equal(account(await ask(entry, { ...offered, path: '/api/jobs/7/approve' })), 'CORP\\alice');
  assert.match(account(await ask(entry, { ...offered, path: '/api/jobs/8/approve' })), /approval-other-job/);
});

test('credentialMethods() verifies bearer tokens with the keys of a file', async () => {
  const entry = {
    bearer: {
      issuers: [
        {
          issuer: 'urn:partner',
          audience: 'desk',
          keys: 'k.json',
          claims: { groups: 'groups' },
          group_names: { 'AB-1': 'ops' },
        },
      ],
    },
  };
  const seconds = testMoment / 1000;
  const token = await new SignJWT({
    iss: 'urn:partner',
    aud: 'desk',
    sub: 's',
    iat: seconds,
    exp: seconds + 60,
    groups: ['ab-1'],
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .sign(issuer.privateKey);
  const outcome = await ask(entry, { authorization: `Bearer ${token}` });
  assert.deepEqual(outcome.kind === 'accepted' && [outcome.identity.subject, outcome.identity.groups], [
    'urn:partner|s',
    ['ops'],
  ]);
});

test('credentialMethods() believes a header from loopback when nothing else is said', async () => {
  const entry = { trusted_header: { header: 'X-Iis-User', default_domain: 'CORP' } };
  assert.deepEqual(method(entry).stripped, ['X-Iis-User']);
  const { connection } = credentials();
  assert.equal(account(await ask(entry, { fields: ['X-Iis-User', 'alice'] })), 'CORP\\alice');
  const elsewhere = await ask(entry, {
    fields: ['X-Iis-User', 'alice'],
    connection: { ...connection, remoteAddress: '10.0.0.1' },
  });
  assert.equal(elsewhere.kind, 'absent');
});

test('credentialMethods() says aloud that there is a development identity', async () => {
  const entry = { development: { account: 'DEV\\me' } };
  assert.match(method(entry).warning ?? '', /DEVELOPMENT IDENTITY/);
  assert.equal(account(await ask(entry, {})), 'DEV\\me');
});

test('credentialMethods() makes a method of a client certificate entry, and none of other entries', async () => {
  assert.equal((await ask({ client_certificate: {} }, {})).kind, 'absent');
  assert.equal(methodOf({}), undefined);
});

test('credentialMethods() writes at the end when keys were used', async () => {
  await closers.closeAll();
  assert.ok(used.includes(made.id));
});
