import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeKeytab, MemoryReplayCache } from '@cardea/kerberos';
import { createAccount, issueTicket, makeRequest } from '../../../kerberos/test/initiator.ts';
import { openFiles } from '../config/files.ts';
import { checkConfig } from '../config/load.ts';
import type { Negotiate } from '../config/schema.ts';
import { watchedAcceptor } from './keytab.ts';

const folder = mkdtempSync(join(tmpdir(), 'cardea-keytab-'));
after(() => rmSync(folder, { recursive: true }));
const now = Date.now();

const [before, renewed] = [createAccount(), createAccount()];

/** An entry of the configuration with this keytab and otherwise the defaults. */
function entry(keytab: string): Negotiate {
  const text = JSON.stringify({
    sign_in: [{ negotiate: { keytab } }],
    apps: [{ name: 'desk', host: 'desk', upstream: 'http://127.0.0.1:1', rules: [{ path: '/**', signed_in: true }] }],
  });
  const loaded = checkConfig(text, 'f', openFiles('/'), { env: {}, now: 0, withFiles: false });
  const negotiate = loaded.kind === 'ok' ? loaded.config.sign_in[0]?.negotiate : undefined;
  assert.ok(negotiate !== undefined);
  return { ...negotiate, keytab };
}

/** An acceptor with the keys of `before`, the file of its keytab, and what it says to the log. */
function watched(name: string) {
  const file = join(folder, name);
  const bytes = Buffer.from(encodeKeytab(before.entries));
  writeFileSync(file, bytes);
  const options = entry(file);
  const log: string[] = [];
  const write = (...words: unknown[]): void => void log.push(JSON.stringify(words));
  const { acceptor, watch } = watchedAcceptor(options, {
    read: () => bytes,
    replayCache: new MemoryReplayCache({ now: () => now }),
    log: { info: write, error: write },
    everyMs: 3_600_000,
  });
  const accepts = async (account: typeof before): Promise<boolean> => {
    const { token } = makeRequest(issueTicket(account, now), now);
    return (await acceptor.accept(token, { now })).kind === 'accepted';
  };
  return { file, watch, log, accepts };
}

test('watchedAcceptor() takes tickets for the keys of the changed keytab, and none for those that are gone', async () => {
  const { file, watch, accepts } = watched('changed');
  assert.deepEqual([await accepts(before), await accepts(renewed)], [true, false]);
  writeFileSync(file, encodeKeytab(renewed.entries));
  await watch.look();
  watch.close();
  assert.deepEqual([await accepts(before), await accepts(renewed)], [false, true]);
});

test('watchedAcceptor() takes tickets for old and new keys while both are in the keytab', async () => {
  const { file, watch, accepts } = watched('both');
  writeFileSync(file, encodeKeytab([...renewed.entries, ...before.entries]));
  await watch.look();
  watch.close();
  assert.deepEqual([await accepts(before), await accepts(renewed)], [true, true]);
});

const foreign = before.entries.map((entry) => ({ ...entry, principal: 'host/gateway.corp.example' }));
const useless: readonly (readonly [what: string, bytes: Uint8Array, says: RegExp])[] = [
  ['what is no keytab', Buffer.from('nonsense'), /keytab/i],
  ['half a keytab', encodeKeytab(before.entries).subarray(0, 40), /keytab|entry/i],
  ['no key for HTTP', encodeKeytab(foreign), /no key for HTTP/],
];
for (const [what, bytes, says] of useless)
  test(`watchedAcceptor() goes on with its keys when the file holds ${what}`, async () => {
    const { file, watch, log, accepts } = watched(what);
    writeFileSync(file, bytes);
    for (let i = 0; i < 3; i++) await watch.look();
    watch.close();
    assert.equal(await accepts(before), true);
    assert.equal(log.length, 1);
    assert.match(log[0] ?? '', says);
  });
