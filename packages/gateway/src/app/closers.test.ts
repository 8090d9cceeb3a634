import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Closers } from './closers.ts';

test('Closers ends the newest first, one after the other, and each once', async () => {
  const closers = new Closers();
  const ended: string[] = [];
  closers.add(() => ended.push('database'));
  closers.add(async () => {
    await new Promise(setImmediate);
    ended.push('listener');
  });
  await closers.closeAll();
  await closers.closeAll();
  assert.deepEqual(ended, ['listener', 'database']);
});

test('Closers ends the rest when one fails, and says so afterwards', async () => {
  const closers = new Closers();
  const ended: string[] = [];
  closers.add(() => ended.push('database'));
  closers.add(() => Promise.reject(new Error('stuck')));
  await assert.rejects(closers.closeAll(), /stuck/);
  assert.deepEqual(ended, ['database']);
});
