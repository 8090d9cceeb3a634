import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Crew, type CrewOptions, type Member } from './crew.ts';

interface Actor extends Member {
  readonly place: number;
  die(cause: string): void;
}

const policy = { firstDelayMs: 1, longestDelayMs: 2, soundMs: 60_000, failedStarts: 3 };

/** A crew of actors. What happens is written down; `happened` waits for a line of it. */
function makeCrew(size: number, options: Partial<CrewOptions<Actor>> = {}) {
  const lines: string[] = [];
  const waiting: { readonly line: string; readonly resolve: () => void }[] = [];
  const write = (line: string): void => {
    lines.push(line);
    for (const one of waiting) if (one.line === line) one.resolve();
  };
  const crew = new Crew<Actor>({
    size,
    start: async (place) => {
      write(`start ${place}`);
      const { promise: ended, resolve: die } = Promise.withResolvers<string>();
      return { place, ended, die };
    },
    onDeath: (place, cause) => write(`death ${place} ${cause}`),
    onRestart: (place) => write(`restart ${place}`),
    onFailedStart: (place) => write(`failed ${place}`),
    onGivenUp: () => write('given up'),
    policy,
    ...options,
  });
  const happened = (line: string): Promise<void> =>
    new Promise((resolve) => {
      if (lines.includes(line)) resolve();
      else waiting.push({ line, resolve });
    });
  return { crew, lines, happened };
}

const places = (crew: Crew<Actor>): number[] => crew.members().map(({ place }) => place);

test('Crew starts the first thread before the others, which may need to know what it found', async () => {
  const first = Promise.withResolvers<void>();
  const started: number[] = [];
  const { crew } = makeCrew(3, {
    start: async (place) => {
      started.push(place);
      if (place === 0) await first.promise;
      return { place, ended: new Promise(() => {}), die: () => {} };
    },
  });
  const all = crew.start();
  await Promise.resolve();
  assert.deepEqual(started, [0]);
  first.resolve();
  await all;
  assert.deepEqual(places(crew), [0, 1, 2]);
});

test('Crew rejects when one thread cannot start, and keeps those that could for its caller to end', async () => {
  const { crew } = makeCrew(3, {
    start: async (place) => {
      if (place === 1) throw new Error('no room');
      return { place, ended: new Promise(() => {}), die: () => {} };
    },
  });
  await assert.rejects(crew.start(), /no room/);
  assert.deepEqual(places(crew), [0, 2]);
});

test('Crew goes on without a thread that dies, and starts it again in its place', async () => {
  const { crew, lines, happened } = makeCrew(2);
  await crew.start();
  crew.members()[1]?.member.die('a bug');
  await happened('death 1 a bug');
  assert.deepEqual(places(crew), [0]);
  await happened('restart 1');
  assert.deepEqual(places(crew), [0, 1]);
  assert.deepEqual(lines, ['start 0', 'start 1', 'death 1 a bug', 'start 1', 'restart 1']);
  await crew.stop();
});

test('Crew gives up when a thread cannot be started again', async () => {
  let broken = false;
  const { crew, lines, happened } = makeCrew(2, {
    start: async (place) => {
      if (broken) throw new Error('no room');
      const { promise: ended, resolve: die } = Promise.withResolvers<string>();
      return { place, ended, die };
    },
  });
  await crew.start();
  broken = true;
  crew.members()[0]?.member.die('a bug');
  await happened('given up');
  assert.deepEqual(lines, ['death 0 a bug', 'failed 0', 'failed 0', 'failed 0', 'given up']);
});

test('Crew.stop() starts no thread any more, also none that was about to be', async () => {
  const { crew, lines, happened } = makeCrew(2);
  await crew.start();
  crew.members()[0]?.member.die('a bug');
  await happened('death 0 a bug');
  await crew.stop();
  crew.members()[0]?.member.die('another bug');
  await new Promise((resolve) => setTimeout(resolve, 20)); // longer than any restart takes
  assert.deepEqual(lines, ['start 0', 'start 1', 'death 0 a bug']);
});

test('Crew.stop() waits for a start that is under way', async () => {
  const again = Promise.withResolvers<void>();
  let starts = 0;
  const { crew } = makeCrew(1, {
    start: async (place) => {
      starts++;
      if (starts === 2) {
        began.resolve();
        await again.promise;
      }
      const { promise: ended, resolve: die } = Promise.withResolvers<string>();
      return { place, ended, die };
    },
  });
  const began = Promise.withResolvers<void>();
  await crew.start();
  crew.members()[0]?.member.die('a bug');
  await began.promise;
  let stopped = false;
  const stopping = crew.stop().then(() => (stopped = true));
  await new Promise(setImmediate);
  assert.equal(stopped, false);
  again.resolve();
  await stopping;
  assert.equal(crew.members().length, 1);
});
