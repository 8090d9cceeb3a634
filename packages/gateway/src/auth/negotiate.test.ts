import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Acceptor, type AcceptResult, createAcceptor, MemoryReplayCache, type Pac } from '@cardea/kerberos';
import * as fc from 'fast-check';
import {
  clientMic,
  createAccount,
  issueTicket,
  keytabOf,
  makeRequest,
  makeToken,
  spnego,
  windowsMechs,
} from '../../../kerberos/test/initiator.ts';
import { MechOid } from '../../../kerberos/src/numbers.ts';
import { encodeMechTypeList, encodeNegTokenResp } from '../../../kerberos/src/spnego.ts';
import { type Directory, DirectoryError } from '../ports/directory.ts';
import type { Connection } from '../wire/http.ts';
import type { Outcome } from './authenticator.ts';
import { credentials } from './credentials-testing.ts';
import { type NegotiateOptions, negotiate } from './negotiate.ts';

const now = 1_789_000_000_000;
const hour = 3_600_000;
const account = createAccount();

const connection = (certificateHash?: Uint8Array): Connection => ({
  remoteAddress: '10.0.0.1',
  tls: certificateHash !== undefined,
  certificateHash,
  memory: new Map(),
});

const acceptor = (): Acceptor =>
  createAcceptor({ keytab: keytabOf(account), replayCache: new MemoryReplayCache({ now: () => now }) });

const header = (token: Uint8Array): string => `Negotiate ${Buffer.from(token).toString('base64')}`;

async function ask(
  authorization: string | undefined,
  options: Partial<NegotiateOptions> = {},
  on = connection(),
): Promise<Outcome> {
  const method = negotiate({ acceptor: acceptor(), lifetimeMs: 8 * hour, ...options });
  return method.authenticate(credentials({ authorization, connection: on, now }));
}

/** An acceptor that has already found out who it is. */
function finds(client: { readonly principal?: string; readonly realm?: string; readonly pac?: Pac }): Acceptor {
  const result: AcceptResult = {
    kind: 'accepted',
    reply: undefined,
    client: {
      principal: 'alice',
      realm: 'CORP.EXAMPLE',
      service: 'HTTP/app.corp.example@CORP.EXAMPLE',
      pac: undefined,
      ticketEtype: 18,
      sessionEtype: 18,
      authTime: now,
      endTime: now + hour,
      channelBound: false,
      ...client,
    },
  };
  return { accept: async () => result };
}

const logon = {
  accountName: 'Alice',
  fullName: 'Алиса Łukasińska-陳',
  domainName: 'CORP',
  domainSid: 'S-1-5-21-1-2-3',
  userSid: 'S-1-5-21-1-2-3-1103',
  groupSids: ['S-1-5-21-1-2-3-513', 'S-1-5-21-1-2-3-1104'],
};

async function identified(acceptor: Acceptor, options: Partial<NegotiateOptions> = {}) {
  const outcome = await ask(header(Uint8Array.of(1)), { acceptor, ...options });
  assert.equal(outcome.kind, 'accepted');
  if (outcome.kind !== 'accepted') throw new Error('not accepted');
  return outcome;
}

const directory = (change: Partial<Directory> = {}): Directory => ({
  groupNames: async () => new Map([['S-1-5-21-1-2-3-1104', 'team-ai']]),
  person: async () => ({ name: 'Alice Smith', email: 'alice@corp.example', upn: 'alice@corp.example' }),
  ping: async () => {},
  close: async () => {},
  ...change,
});

for (const authorization of [undefined, 'Basic YTpi', 'Bearer abc', 'NTLM TlRMTVNTUAAB', 'Negotiated abc', '']) {
  test(`negotiate() leaves ${authorization === undefined ? 'a request without the field' : `"${authorization}"`} to others`, async () => {
    assert.deepEqual(await ask(authorization), { kind: 'absent' });
  });
}

const token = Buffer.from(makeToken(account, now)).toString('base64');
const malformed: readonly (readonly [string, string])[] = [
  ['no token', 'Negotiate'],
  ['an empty token', 'Negotiate '],
  ['base64url', 'Negotiate -_-_'],
  ['missing padding', 'Negotiate YQ'],
  ['spare bits', 'Negotiate YR=='],
  ['two tokens', `Negotiate ${token} ${token}`],
  ['a space behind', `Negotiate ${token} `],
  ['a tab before', `Negotiate \t${token}`],
  ['a list of credentials', `Negotiate ${token}, Basic YTpi`],
  ['more than 64 KiB', `Negotiate ${'A'.repeat(65_536)}`],
  ['bytes that are no token', 'Negotiate AAAA'],
];
for (const [name, authorization] of malformed) {
  test(`negotiate() rejects ${name} as malformed`, async () => {
    const outcome = await ask(authorization);
    assert.equal(outcome.kind === 'rejected' && outcome.reason, 'token-malformed');
  });
}

test('negotiate() signs on a genuine token, whatever the case of the scheme', async () => {
  for (const scheme of ['Negotiate', 'negotiate', 'NEGOTIATE'])
    assert.equal((await ask(`${scheme} ${token}`)).kind, 'accepted');
});

test('negotiate() judges one of many tokens in each turn of the event loop, so that nobody else waits for all of them', async () => {
  let judged = 0;
  const found = finds({});
  const counting: Acceptor = {
    accept(...args) {
      judged++;
      return found.accept(...args);
    },
  };
  const method = negotiate({ acceptor: counting, lifetimeMs: hour });
  const all = Array.from({ length: 20 }, async () =>
    method.authenticate(credentials({ authorization: header(Uint8Array.of(1)), connection: connection(), now })),
  );
  const seen: number[] = [];
  while (judged < all.length) {
    await nextTurn();
    seen.push(judged);
  }
  const steps = seen.map((count, i) => count - (seen[i - 1] ?? 1));
  assert.deepEqual([...new Set(steps)], [1]);
  assert.ok((await Promise.all(all)).every(({ kind }) => kind === 'accepted'));
});

test('negotiate() makes an identity of what the ticket says', async () => {
  const outcome = await ask(header(makeToken(account, now)));
  assert.equal(outcome.kind, 'accepted');
  if (outcome.kind !== 'accepted') return;
  const { identity } = outcome;
  assert.match(identity.subject, /^S-1-5-21-/);
  assert.match(identity.account, /^CORP\\alice$/);
  assert.ok(identity.sids.length > 0);
  assert.deepEqual([identity.method, identity.authenticatedAt, identity.expiresAt], ['negotiate', now, now + 8 * hour]);
});

test('negotiate() answers mutual authentication', async () => {
  const outcome = await ask(header(makeToken(account, now, { request: { mutual: true } })));
  assert.ok(outcome.kind === 'accepted');
  assert.match(outcome.replyHeader ?? '', /^Negotiate [A-Za-z0-9+/]+=*$/);
});

test('negotiate() rejects a token the second time', async () => {
  const method = negotiate({ acceptor: acceptor(), lifetimeMs: hour });
  const sent = credentials({ authorization: header(makeToken(account, now)), connection: connection(), now });
  assert.equal((await method.authenticate(sent)).kind, 'accepted');
  const again = await method.authenticate(sent);
  assert.equal(again.kind === 'rejected' && again.reason, 'replay');
});

test('negotiate() rejects a token from another hour, and tells the client our time', async () => {
  const outcome = await ask(header(makeToken(account, now - hour)));
  assert.ok(outcome.kind === 'rejected');
  assert.equal(outcome.reason, 'clock-skew');
  assert.match(outcome.replyHeader ?? '', /^Negotiate /);
});

test('negotiate() finishes a negotiation of two legs on the same connection, and only there', async () => {
  const method = negotiate({ acceptor: acceptor(), lifetimeMs: hour });
  const sent = makeRequest(issueTicket(account, now), now);
  // The client's favourite is a mechanism that we do not speak, with a token of its own (RFC 4178, 4.2.1).
  const mechs = [MechOid.ntlmssp, MechOid.krb5];
  const first = header(spnego({ token: Buffer.from('NTLMSSP\0') }, mechs));
  const mechListMIC = clientMic(sent, encodeMechTypeList(mechs));
  const second = header(encodeNegTokenResp({ negState: 'accept-incomplete', responseToken: sent.token, mechListMIC }));
  const [here, elsewhere] = [connection(), connection()];
  const kind = async (authorization: string, on: Connection): Promise<string> =>
    (await method.authenticate(credentials({ authorization, connection: on, now }))).kind;

  assert.equal(await kind(first, here), 'continue');
  assert.equal(await kind(second, elsewhere), 'rejected');
  assert.equal(await kind(second, here), 'accepted');
  assert.equal(await kind(second, here), 'rejected');
  assert.equal(here.memory.size, 0);
});

test('negotiate() gives the acceptor the certificate of the connection, so that a token for another one is rejected', async () => {
  const hash = createHash('sha256').update('certificate').digest();
  const bound = makeToken(account, now, { request: { bindings: randomBytes(16) } });
  const outcome = await ask(header(bound), {}, connection(hash));
  assert.equal(outcome.kind === 'rejected' && outcome.reason, 'channel-bindings');
});

test('negotiate() accepts what Windows offers', async () => {
  assert.equal((await ask(header(makeToken(account, now, { mechTypes: windowsMechs })))).kind, 'accepted');
});

test('negotiate() throws when nobody can tell whether the token was used before', async () => {
  const down = {
    claim: (): boolean => {
      throw new Error('database is locked');
    },
  };
  const failing = createAcceptor({ keytab: keytabOf(account), replayCache: down });
  await assert.rejects(ask(header(makeToken(account, now)), { acceptor: failing }), /database is locked/);
});

test('negotiate() takes names from the PAC', async () => {
  const { identity, note } = await identified(finds({ pac: { logon, upn: 'alice@corp.example' } }));
  assert.deepEqual(identity, {
    subject: 'S-1-5-21-1-2-3-1103',
    account: 'CORP\\Alice',
    upn: 'alice@corp.example',
    name: 'Алиса Łukasińska-陳',
    email: undefined,
    sids: ['S-1-5-21-1-2-3-513', 'S-1-5-21-1-2-3-1104'],
    groups: [],
    method: 'negotiate',
    authenticatedAt: now,
    provenAt: now,
    expiresAt: now + 8 * hour,
  });
  assert.equal(note, undefined);
});

test('negotiate() signs on a ticket without PAC, without groups, and says so', async () => {
  const { identity, note } = await identified(finds({}));
  assert.deepEqual([identity.subject, identity.upn, identity.sids], ['alice@CORP.EXAMPLE', 'alice@corp.example', []]);
  assert.match(note ?? '', /no PAC/);
});

test("negotiate() passes on the PAC's own note", async () => {
  const { note } = await identified(finds({ pac: { note: 'LOGON_INFO is absent' } }));
  assert.equal(note, 'LOGON_INFO is absent');
});

const accounts: readonly (readonly [string, Parameters<typeof finds>[0], Readonly<Record<string, string>>, string])[] =
  [
    ['the PAC, even where a short name is configured', { pac: { logon } }, { 'CORP.EXAMPLE': 'OTHER' }, 'CORP\\Alice'],
    [
      'the configured short name and the PAC’s account',
      { pac: { samName: 'asmith' } },
      { 'CORP.EXAMPLE': 'CORP' },
      'CORP\\asmith',
    ],
    [
      'the whole realm without a PAC, even where a short name is configured',
      {},
      { 'CORP.EXAMPLE': 'CORP' },
      'CORP.EXAMPLE\\alice',
    ],
    [
      'the whole realm of a trusted KDC that writes our short name into its PAC',
      { realm: 'EVIL.TEST', pac: { logon } },
      {},
      'EVIL.TEST\\Alice',
    ],
    [
      'the short name configured for another realm',
      { realm: 'CHILD.CORP.EXAMPLE', pac: { logon } },
      { 'CHILD.CORP.EXAMPLE': 'CHILD' },
      'CHILD\\Alice',
    ],
    ['the whole realm when nothing else is known', {}, {}, 'CORP.EXAMPLE\\alice'],
    [
      'the whole realm of a stranger',
      { realm: 'PARTNER.EXAMPLE' },
      { 'CORP.EXAMPLE': 'CORP' },
      'PARTNER.EXAMPLE\\alice',
    ],
    [
      'the whole realm even if it is called like a property of every object',
      { realm: 'constructor' },
      {},
      'constructor\\alice',
    ],
    [
      'the realm when the PAC has no domain name',
      { pac: { logon: { ...logon, domainName: '' } } },
      {},
      'CORP.EXAMPLE\\Alice',
    ],
  ];
for (const [name, client, domains, expected] of accounts) {
  test(`negotiate() takes the account from ${name}`, async () => {
    assert.equal((await identified(finds(client), { domains })).identity.account, expected);
  });
}

test('negotiate() does not believe the UPN that the KDC of a trusted realm tells', async () => {
  const client = finds({ realm: 'EVIL.TEST', pac: { logon, upn: 'alice@corp.example' } });
  assert.equal((await identified(client)).identity.upn, 'alice@evil.test');
  const known = await identified(client, { domains: { 'EVIL.TEST': 'EVIL' } });
  assert.equal(known.identity.upn, 'alice@corp.example');
});

test('negotiate() adds group names and e-mail address from the directory', async () => {
  const { identity, note } = await identified(finds({ pac: { logon } }), { directory: directory() });
  assert.deepEqual(
    [identity.groups, identity.email, identity.name],
    [['team-ai'], 'alice@corp.example', logon.fullName],
  );
  assert.equal(note, undefined);
});

test('negotiate() leaves all groups to the directory where it is told to, and takes none of the ticket', async () => {
  const method = negotiate({ acceptor: finds({ pac: { logon } }), lifetimeMs: hour, lookUpGroups: true });
  const outcome = await method.authenticate(credentials({ authorization: header(new Uint8Array([1])), now }));
  assert.ok(outcome.kind === 'accepted');
  const { identity, lookUpGroups } = outcome;
  assert.deepEqual([lookUpGroups, identity.subject, identity.sids, identity.groups], [true, logon.userSid, [], []]);
});

test('negotiate() takes the display name from the directory when the ticket has none', async () => {
  const { identity } = await identified(finds({ pac: { logon: { ...logon, fullName: '' } } }), {
    directory: directory(),
  });
  assert.equal(identity.name, 'Alice Smith');
});

test('negotiate() signs on while the directory is down, and says what is missing', async () => {
  const down = () => Promise.reject(new DirectoryError('Cannot ask directory ldaps://dc1: connection refused'));
  const { identity, note } = await identified(finds({ pac: { logon } }), {
    directory: directory({ groupNames: down, person: down }),
  });
  assert.deepEqual([identity.sids, identity.groups, identity.email], [logon.groupSids, [], undefined]);
  assert.match(note ?? '', /2 of 2 groups have no name: .*connection refused/);
});

test('negotiate() does not ask the directory about a person who has no SID', async () => {
  const asked: string[] = [];
  const person = async (sid: string) => {
    asked.push(sid);
    return undefined;
  };
  await identified(finds({ principal: 'S-1-5-21-1-2-3-500' }), { directory: directory({ person }) });
  assert.deepEqual(asked, []);
});

test('negotiate() puts no part of a token into what it says', async () => {
  const method = negotiate({ acceptor: acceptor(), lifetimeMs: hour });
  const bytes = Buffer.from(makeToken(account, now));
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 }), async (at, byte) => {
      const altered = Buffer.from(bytes);
      altered[at] = byte;
      const text = altered.toString('base64');
      const outcome = await method.authenticate(
        credentials({ authorization: `Negotiate ${text}`, connection: connection(), now }),
      );
      const said = outcome.kind === 'rejected' ? outcome.detail : '';
      for (let i = 0; i + 16 <= text.length; i += 4) assert.ok(!said.includes(text.slice(i, i + 16)));
    }),
    { numRuns: 200 },
  );
});
