/** What every implementation of `Attempts` promises. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Attempts, Limited } from '../ports/attempts.ts';

const minute = 60_000;

/** `pass`: lets so much time pass, for whatever clock it has; gives the time afterwards. */
export function attemptsContract(
  name: string,
  make: () => { readonly attempts: Attempts; readonly pass: (ms: number) => Promise<number> },
): void {
  const limited = (limit: number, kind: Limited['kind'] = 'name', key: string = randomUUID()): Limited => ({
    kind,
    key,
    limit,
    windowMs: minute,
  });

  test(`${name} lets so many attempts begin within a window, also when they begin at the same time`, async () => {
    const { attempts, pass } = make();
    const one = limited(3);
    const now = await pass(0);
    const waits = await Promise.all(Array.from({ length: 10 }, async () => attempts.begin([one], now)));
    assert.equal(waits.filter((wait) => wait === 0).length, 3);
    for (const wait of waits) assert.ok(wait === 0 || (wait > 0 && wait <= minute), String(wait));
  });

  test(`${name} counts an attempt for all of its keys, or for none`, async () => {
    const { attempts, pass } = make();
    const [narrow, wide] = [limited(1, 'name-and-address'), limited(2, 'address')];
    const now = await pass(0);
    assert.equal(await attempts.begin([narrow, wide], now), 0);
    for (let i = 0; i < 5; i++) assert.notEqual(await attempts.begin([narrow, wide], now), 0);
    assert.equal(await attempts.begin([wide], now), 0);
    assert.notEqual(await attempts.begin([wide], now), 0);
  });

  test(`${name} tells kinds and keys apart`, async () => {
    const { attempts, pass } = make();
    const now = await pass(0);
    const one = limited(1);
    assert.equal(await attempts.begin([one], now), 0);
    assert.equal(await attempts.begin([{ ...one, kind: 'domain-lockout' }], now), 0);
    assert.equal(await attempts.begin([limited(1)], now), 0);
    assert.notEqual(await attempts.begin([one], now), 0);
  });

  test(`${name} takes one attempt back, and never more than there were`, async () => {
    const { attempts, pass } = make();
    const now = await pass(0);
    const one = limited(1);
    await attempts.release({ forgive: [one], clear: [] });
    assert.equal(await attempts.begin([one], now), 0);
    await attempts.release({ forgive: [one], clear: [] });
    assert.equal(await attempts.begin([one], now), 0);
    assert.notEqual(await attempts.begin([one], now), 0);
  });

  test(`${name} forgets a key whose owner has proven who they are`, async () => {
    const { attempts, pass } = make();
    const now = await pass(0);
    const one = limited(2);
    for (let i = 0; i < 2; i++) assert.equal(await attempts.begin([one], now), 0);
    await attempts.release({ forgive: [], clear: [one] });
    for (let i = 0; i < 2; i++) assert.equal(await attempts.begin([one], now), 0);
    assert.notEqual(await attempts.begin([one], now), 0);
  });

  test(`${name} begins anew when the window is over`, async () => {
    const { attempts, pass } = make();
    const one = { ...limited(1), windowMs: 50 };
    assert.equal(await attempts.begin([one], await pass(0)), 0);
    assert.equal(await attempts.begin([one], await pass(60)), 0);
  });
}
