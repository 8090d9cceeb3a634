import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Session } from '../auth/session.ts';
import { SessionCache } from '../auth/session-cache.ts';
import { sessionCookies } from '../auth/session-cookie.ts';
import type { Directory } from '../ports/directory.ts';
import { type Live, LiveSessions } from './live-sessions.ts';

const second = 1_000;
const group = 'S-1-5-21-1-2-3-1104';

test('LiveSessions asks the directory again within a minute, also for a session that is renewed all the time', async () => {
  const directory: Directory = {
    groupNames: async () => new Map([[group, 'after']]),
    person: async () => undefined,
    ping: async () => {},
    close: async () => {},
  };
  // A minute, so that the cookie is renewed every five seconds: more often than the memory forgets.
  const idleMs = 60 * second;
  const sessions = new LiveSessions({
    cookies: sessionCookies({
      sealer: {
        seal: (plain) => Buffer.from(plain).toString('base64url'),
        open: (text) => Buffer.from(text, 'base64url'),
      },
      idleMs,
    }),
    cache: new SessionCache<Live>({ maxEntries: 100, maxAgeMs: 60 * second }),
    directory,
    roles: {},
    idleMs,
    sameSite: 'lax',
    assertion: () => '',
    assertionReuseMs: 60 * second,
  });
  const identity: Session['identity'] = {
    subject: 'S-1-5-21-1-2-3-500',
    account: 'CORP\\alice',
    upn: undefined,
    name: undefined,
    email: undefined,
    sids: [group],
    groups: ['before'], // as the sign-in found them
    method: 'negotiate',
    authenticatedAt: 0,
    expiresAt: 3_600 * second,
  };
  const value = (setCookie: string | undefined): string => /=([^;]*);/.exec(setCookie ?? '')?.[1] ?? '';
  let cookie = value(sessions.seal(sessions.start(identity, 0), 0, false));
  const seen: string[] = [];
  for (let now = 6 * second; now <= 120 * second; now += 6 * second) {
    const opened = await sessions.open(cookie, now);
    assert.equal(opened.kind, 'ok');
    if (opened.kind !== 'ok') return;
    seen.push(...opened.live.identity.groups);
    if (opened.renew) cookie = value(sessions.seal(opened.live, now, false));
  }
  assert.deepEqual([seen[0], seen.at(-1)], ['before', 'after']);
});
