import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConfig, type Loaded } from '../config/load.ts';
import { openFiles } from '../config/files.ts';
import { type Check, type Env, fail, pass } from './check.ts';
import { examine, type Examination } from './examine.ts';
import { checks } from './registry.ts';

const text = `
sign_in: [{ oidc: { id: corp, issuer: "https://login.example", client_id: cardea, client_secret: "\${env:SECRET}" } }]
apps: [{ name: desk, host: desk.corp.example, upstream: "http://127.0.0.1:1", rules: [{ path: /**, signed_in: true }] }]
`;

function loaded(): Loaded {
  const result = checkConfig(text, 'cardea.yaml', openFiles('/'), { env: { SECRET: 'a-very-secret-word' }, now: 0 });
  if (result.kind === 'wrong') throw new Error(JSON.stringify(result.problems));
  return result;
}

const check = (id: string, run: Check['run'], more: Partial<Check> = {}): Check => ({
  id,
  title: id,
  sides: ['gateway'],
  finds: { [id]: 'something', [`${id}-more`]: 'something else' },
  run,
  ...more,
});

const seen = (id: string) => ({ id, about: 'it', tried: 'it', seen: 'it' });

function look(list: readonly Check[], more: Partial<Examination> = {}) {
  return examine({
    side: 'gateway',
    loaded: loaded(),
    problems: [],
    withFiles: false,
    now: () => 0,
    checks: list,
    ...more,
  });
}

test('examine() gives findings in the order of the registry, whichever ends first', async () => {
  const first = Promise.withResolvers<void>();
  const found = await look([
    check('a', async () => {
      await first.promise;
      return [pass(seen('a'))];
    }),
    check('b', async () => {
      first.resolve();
      return [pass(seen('b'))];
    }),
  ]);
  assert.deepEqual(
    found.map(({ id }) => id),
    ['a', 'b'],
  );
});

test('examine() makes one unknown of a check that does not end, and tells the check', async () => {
  let told: AbortSignal | undefined;
  const never = check('slow', (env) => {
    told = env.signal;
    return new Promise(() => {});
  });
  const found = await look([never, check('b', async () => [pass(seen('b'))])], { checkMs: 20 });
  assert.deepEqual(
    found.map(({ id, verdict }) => [id, verdict]),
    [
      ['slow', 'unknown'],
      ['b', 'pass'],
    ],
  );
  assert.equal(told?.aborted, true);
});

test('examine() makes one unknown of a check that breaks', async () => {
  const broken = check('broken', async () => {
    throw new Error('a bug');
  });
  const [found] = await look([broken]);
  assert.deepEqual([found?.id, found?.verdict, found?.seen], ['broken', 'unknown', 'a bug']);
});

test('examine() runs eight checks at the same time, and no more', async () => {
  let running = 0;
  let most = 0;
  const many = Array.from({ length: 30 }, (_, i) =>
    check(`c${i}`, async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return [];
    }),
  );
  await look(many);
  assert.equal(most, 8);
});

test('examine() asks only what can be seen from this side', async () => {
  const outside = check('outside', async () => [pass(seen('outside'))], { sides: ['outside'] });
  assert.deepEqual(await look([outside]), []);
  assert.equal((await look([outside], { side: 'outside' })).length, 1);
});

test('examine() gives only the findings that were asked for, by the check or by the finding', async () => {
  const both = check('a', async () => [pass(seen('a')), pass(seen('a-more'))]);
  let ran = false;
  const other = check('b', async () => {
    ran = true;
    return [];
  });
  assert.deepEqual(
    (await look([both, other], { only: ['a-more'] })).map(({ id }) => id),
    ['a-more'],
  );
  assert.equal((await look([both, other], { only: ['a'] })).length, 2);
  assert.equal(ran, false);
});

test('examine() takes the secrets of the configuration out of every text', async () => {
  const word = 'a-very-secret-word';
  const leaky = check('a', async () => [
    fail({ id: 'a', about: `about ${word}`, tried: word, seen: `the server said ${word} ${word}` }, `not ${word}`),
  ]);
  const text = JSON.stringify(await look([leaky]));
  assert.ok(!text.includes(word));
  assert.equal(text.split('[secret]').length - 1, 5);
});

test('checks: every id is there once, and every check has a first finding', () => {
  const ids = checks.flatMap(({ finds }) => Object.keys(finds));
  assert.deepEqual(ids, [...new Set(ids)]);
  const names = checks.map(({ id }) => id);
  assert.deepEqual(names, [...new Set(names)]);
});

test('checks: a finding has an id of its check, from every side, with nothing to be reached', async () => {
  const watched = checks.map((one) => ({
    ...one,
    run: async (env: Env) => {
      const found = await one.run(env);
      for (const { id } of found) assert.ok(Object.hasOwn(one.finds, id), `${one.id} has found ${id}`);
      return found;
    },
  }));
  for (const side of ['gateway', 'app', 'outside'] as const) {
    const found = await look(watched, { side, attemptMs: 200, addresses: ['127.0.0.1'], dns: '127.0.0.1:9' });
    assert.ok(found.length > 0);
    assert.deepEqual(
      found.filter((one) => one.seen.includes('has found')),
      [],
    );
    for (const one of found) assert.equal(one.todo === undefined, one.verdict === 'pass');
  }
});
