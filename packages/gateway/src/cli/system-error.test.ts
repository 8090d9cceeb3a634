import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { isSystemError, systemErrorText } from './system-error.ts';

/** The error of listening there, as Node makes it. */
async function refusal(host: string, port: number): Promise<unknown> {
  const server = createServer();
  const refused = new Promise<unknown>((resolve) => server.once('error', resolve));
  server.listen({ host, port }, () => server.close());
  return refused;
}

const textOf = (error: unknown): string => {
  assert.ok(isSystemError(error));
  return systemErrorText(error);
};

test('systemErrorText() names the port that another program has', async (t) => {
  const first = createServer();
  t.after(() => first.close());
  await new Promise<void>((resolve) => first.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const bound = first.address();
  assert.ok(bound !== null && typeof bound === 'object');
  const text = textOf(await refusal('127.0.0.1', bound.port));
  assert.equal(
    text,
    `cannot listen on 127.0.0.1:${bound.port}: another program, or another Cardea, has this port (EADDRINUSE)`,
  );
});

test('systemErrorText() says that an address is not of this machine', async () => {
  assert.equal(
    textOf(await refusal('192.0.2.77', 1)),
    'cannot listen on 192.0.2.77:1: this machine does not have this address (EADDRNOTAVAIL)',
  );
});

test('systemErrorText() says what a port below 1024 needs', () => {
  const refused = Object.assign(new Error('listen EACCES: permission denied 0.0.0.0:443'), {
    syscall: 'listen',
    code: 'EACCES',
  });
  assert.match(textOf(refused), /^cannot listen on 0\.0\.0\.0:443: .*CAP_NET_BIND_SERVICE/);
});

test('systemErrorText() leaves words alone that it does not know', () => {
  const strange = Object.assign(new Error('read EIO: i/o error'), { syscall: 'read', code: 'EIO' });
  assert.equal(textOf(strange), 'read EIO: i/o error');
});

test('isSystemError() takes no error of ours', () => {
  assert.equal(isSystemError(new TypeError('x is not a function')), false);
});
