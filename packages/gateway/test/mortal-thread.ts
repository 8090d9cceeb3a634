/**
 * A serving thread that dies when a test says so. Everything else is as in a real one.
 *
 * @module
 */
import { BroadcastChannel, workerData } from 'node:worker_threads';
import type { ThreadData } from '../src/app/thread.ts';
import { type Death, type Order, ordersChannel } from './orders.ts';

// The environment is that of the moment when the thread was started.
if (process.env['CARDEA_TEST_CANNOT_START'] === '1') throw new Error('This thread cannot start');

const { place }: ThreadData = workerData;
const orders = new BroadcastChannel(ordersChannel);
orders.unref();
orders.onmessage = (message: unknown) => {
  const { data } = message as { readonly data: Order };
  if (data.place === place) die(data.death);
};

function die(death: Death): void {
  switch (death) {
    case 'throw':
      throw new Error('A bug that a test has planted');
    case 'reject':
      void Promise.reject(new Error('A rejection that a test has planted'));
      return;
    case 'exit':
      process.exit(7);
    // eslint-disable-next-line no-fallthrough -- process.exit() does not return
    case 'out-of-memory':
      for (const kept: unknown[] = []; ; ) kept.push(Array.from({ length: 100_000 }, () => ({})));
    case 'hang':
      for (;;);
  }
}

await import('../src/app/thread.ts');
