import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { oneEachTurn } from './one-each-turn.ts';

/** What has happened, in its order: who went on, and where a turn of the event loop ended. */
async function happened(turn: () => Promise<void>, names: readonly string[], turns: number): Promise<string> {
  const said: string[] = [];
  for (const name of names) void turn().then(() => said.push(name));
  for (let i = 0; i < turns; i++) {
    await nextTurn();
    said.push('|');
  }
  return said.join('');
}

test('oneEachTurn() lets the first one go on at once', async () => {
  let gone = false;
  void oneEachTurn()().then(() => (gone = true));
  await Promise.resolve();
  assert.equal(gone, true);
});

test('oneEachTurn() lets the others go on one in each turn, in the order in which they came', async () => {
  assert.equal(await happened(oneEachTurn(), ['a', 'b', 'c', 'd'], 4), 'ab|c|d||');
});

test('oneEachTurn() lets one go on at once again when there was a turn without any', async () => {
  const turn = oneEachTurn();
  assert.equal(await happened(turn, ['a', 'b'], 4), 'ab||||');
  assert.equal(await happened(turn, ['c', 'd', 'e'], 3), 'cd|e||');
});

test('oneEachTurn() lets those who come later wait behind those who wait already', async () => {
  const turn = oneEachTurn();
  const said: string[] = [];
  const go = (name: string): void => void turn().then(() => said.push(name));
  for (const name of ['a', 'b', 'c']) go(name);
  await nextTurn();
  go('d');
  await nextTurn();
  await nextTurn();
  assert.deepEqual(said, ['a', 'b', 'c', 'd']);
});
