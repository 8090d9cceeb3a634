import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyRing, newMasterKey } from '../../tokens/key-ring.ts';
import { sealer } from '../../tokens/seal.ts';
import {
  dropTransaction,
  findTransaction,
  isTransactionCookie,
  keepTransaction,
  randomText,
  type Transaction,
  transactionMs,
} from './transaction.ts';

const ring = new KeyRing([newMasterKey(0)]);
const transactions = sealer(ring, 'transaction');
const start = 1_800_000_000_000;
const one = (change: Partial<Transaction> = {}): Transaction => ({
  state: randomText(),
  nonce: randomText(),
  verifier: randomText(),
  provider: 'corp',
  redirectUri: 'https://app.corp.example/auth/callback/corp',
  returnTo: '/reports?x=1#top',
  startedAt: start,
  silent: false,
  maxAge: 300,
  acrValues: ['mfa', 'hw'],
  ...change,
});

/** A browser's jar, filled by `Set-Cookie`. */
class Jar {
  readonly cookies = new Map<string, string>();

  take(fields: readonly string[]): void {
    for (let i = 1; i < fields.length; i += 2) {
      const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(fields[i] ?? '') ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }

  get fields(): string[] {
    return ['Cookie', [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')];
  }
}

test('findTransaction() gives back everything that keepTransaction() was given', () => {
  const jar = new Jar();
  const transaction = one();
  jar.take(keepTransaction(transactions, transaction, [], true, start));
  const found = findTransaction(transactions, transaction.state, jar.fields, true, start + 1);
  assert.deepEqual(found, { kind: 'ok', transaction });
});

test('findTransaction() says when ten minutes have passed', () => {
  const jar = new Jar();
  const transaction = one();
  jar.take(keepTransaction(transactions, transaction, [], true, start));
  const at = (now: number): string => findTransaction(transactions, transaction.state, jar.fields, true, now).kind;
  assert.deepEqual([at(start + transactionMs - 1), at(start + transactionMs)], ['ok', 'expired']);
});

test('findTransaction() takes no cookie that was renamed to another state', () => {
  const jar = new Jar();
  const [mine, planted] = [one(), one()];
  jar.take(keepTransaction(transactions, mine, [], true, start));
  jar.take(keepTransaction(transactions, planted, [], true, start));
  const [first = '', second = ''] = jar.cookies.keys();
  jar.cookies.set(first, jar.cookies.get(second) ?? '');
  assert.equal(findTransaction(transactions, mine.state, jar.fields, true, start).kind, 'missing');
});

test('findTransaction() takes none of two cookies of the same name', () => {
  const jar = new Jar();
  const transaction = one();
  jar.take(keepTransaction(transactions, transaction, [], true, start));
  const twice = [...jar.fields, ...jar.fields];
  assert.equal(findTransaction(transactions, transaction.state, twice, true, start).kind, 'missing');
});

test('findTransaction() takes nothing that was sealed for another purpose', () => {
  const jar = new Jar();
  const transaction = one();
  for (const purpose of ['session', 'csrf', 'stream', 'approval'] as const) {
    jar.take(keepTransaction(sealer(ring, purpose), transaction, [], true, start));
    assert.equal(findTransaction(transactions, transaction.state, jar.fields, true, start).kind, 'missing', purpose);
  }
});

test('keepTransaction() keeps the eight newest sign-ins under way', () => {
  const jar = new Jar();
  const all = Array.from({ length: 12 }, (_, i) => one({ startedAt: start + i, returnTo: `/${i}` }));
  for (const transaction of all)
    jar.take(keepTransaction(transactions, transaction, jar.fields, true, transaction.startedAt));
  assert.equal(jar.cookies.size, 8);
  const found = all.map(({ state }) => findTransaction(transactions, state, jar.fields, true, start + 12).kind);
  assert.deepEqual(found, [...Array.from({ length: 4 }, () => 'missing'), ...Array.from({ length: 8 }, () => 'ok')]);
});

test('keepTransaction() keeps the cookies below 8 KB together, however long the ways back are', () => {
  const jar = new Jar();
  for (let i = 0; i < 20; i++) {
    const transaction = one({ startedAt: start + i, returnTo: `/${'x'.repeat(1_400)}` });
    jar.take(keepTransaction(transactions, transaction, jar.fields, true, start + i));
    assert.ok((jar.fields[1] ?? '').length < 8_192);
  }
  assert.ok(jar.cookies.size >= 2);
});

test('keepTransaction() removes what cannot be opened any more', () => {
  const name = '__Host-cardea-tx-0123456789abcdef';
  const fields = keepTransaction(transactions, one(), ['Cookie', `${name}=old; other=x`], true, start);
  assert.ok(fields.some((value) => value.startsWith(`${name}=; `) && value.includes('Max-Age=0')));
  assert.ok(!fields.some((value) => value.startsWith('other=')));
});

test('dropTransaction() removes the cookie that keepTransaction() has set', () => {
  const jar = new Jar();
  const transaction = one();
  jar.take(keepTransaction(transactions, transaction, [], false, start));
  jar.take(dropTransaction(transaction.state, false));
  assert.equal(jar.cookies.size, 0);
});

test('isTransactionCookie() knows our cookies by their names, and no other', () => {
  const [, cookie = ''] = keepTransaction(transactions, one(), [], true, start);
  assert.ok(isTransactionCookie(cookie.split('=')[0] ?? ''));
  assert.ok(!isTransactionCookie('__Host-cardea'));
  assert.match(cookie, /; HttpOnly; SameSite=Lax$/);
  assert.match(cookie, /; Max-Age=600; Secure;/);
});
