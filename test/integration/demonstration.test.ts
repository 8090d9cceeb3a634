/** `npm start`, as a person tries it who follows what it prints. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { freePort } from '../../lab/ports.ts';
import { send, signIn, until } from '../../packages/gateway/test/harness.ts';

suite('The demonstration', () => {
  let child: ChildProcess;
  let printed = '';
  let origin: string;
  before(async () => {
    const port = await freePort();
    origin = `http://localhost:${port}`;
    const script = join(import.meta.dirname, '../../tools/start.ts');
    child = spawn(process.execPath, [script, '--port', String(port)], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await until(() => printed.includes('Ctrl-C') || child.exitCode !== null, 'it serves', 60_000);
    assert.equal(child.exitCode, null, printed);
  });
  after(async () => {
    if (child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  });

  test('signs alice in, tells the app who she is, and believes no header of a stranger', async () => {
    assert.ok(printed.includes('alice-demo'));
    const cookie = await signIn(origin, 'alice', 'alice-demo');
    const { body } = await send(`${origin}/api/whoami`, {
      headers: { Cookie: cookie, 'X-Authenticated-User': 'DEMO\\root' },
    });
    assert.ok(body.includes('DEMO\\\\alice') && !body.includes('root'), body);
  });

  test('answers five questions in a minute with the key that it prints, and not the sixth', async () => {
    const key = /Bearer (cardea_\w[\w-]*)/.exec(printed)?.[1] ?? '';
    const statuses = [];
    for (let i = 0; i < 6; i++) {
      const { status } = await send(`${origin}/v1/chat/completions`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
        body: '{"model":"small-echo","messages":[{"role":"user","content":"hello there"}]}',
      });
      statuses.push(status);
    }
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429]);
  });
});
