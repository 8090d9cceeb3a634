/**
 * Clients of the OpenAI API as they are, npm's `openai` and Python's, through a gateway to the test backend (which is no model): with a
 * token that a Kerberos ticket has got, with an API key, and with the `fetch` of `@cardea/client`.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import { createTokenClient, type TokenClient } from '@cardea/client';
import { systemNegotiate } from '@cardea/client/node';
import OpenAI, { RateLimitError } from 'openai';
import { servicePassword } from '../../lab/domain.ts';
import { paths } from '../../lab/files.ts';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkipOpenaiPython } from '../../lab/openai-python.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { kinit } from '../../lab/tokens.ts';
import { loadKoffi } from '../../packages/client/src/koffi.ts';
import { makeKey } from '../../packages/gateway/test/credentials.ts';
import { send, startTestGateway, type TestGateway, until } from '../../packages/gateway/test/harness.ts';
import { models, sound } from '../../packages/sample-app/src/llm-test-answers.ts';
import {
  type LlmTestBackend,
  type ReceivedRequest,
  startLlmTestBackend,
} from '../../packages/sample-app/src/llm-test-backend.ts';
import { ldapAt } from './gateway.ts';
import { inNode, inPython, type Program, type Step } from './openai-client.ts';

const issuer = 'https://auth.corp.example';
const noKoffi = loadKoffi() === undefined && 'koffi is not installed: npm install';
const skip = reasonToSkip() || reasonToSkipOpenaiPython() || noKoffi;

suite('clients of the OpenAI API', { skip }, () => {
  let backend: LlmTestBackend;
  let gateway: TestGateway;
  let key: string;
  let baseURL: string;
  const tokens = new Map<string, TokenClient>();
  const token = async (person: string): Promise<string> => (await tokens.get(person)?.token()) ?? assert.fail(person);
  const usual = { krb5Config: process.env['KRB5_CONFIG'], ccache: process.env['KRB5CCNAME'] };

  before(async () => {
    await startLab();
    backend = await startLlmTestBackend();
    gateway = await startTestGateway({
      files: { 'backend.key': 'backend-key', 'ldap.password': servicePassword },
      config: () => `
sign_in:
  - negotiate: { keytab: ${paths.keytab} }
  - bearer: { issuers: [{ issuer: "${issuer}", audience: llm }] }
  - api_key: {}
directory: ${ldapAt(636).replace('${env:LDAP_PASSWORD}', '${file:ldap.password}')}
issuer:
  url: ${issuer}
  sign_in: [negotiate]
  clients: [{ id: desktop, audience: llm, groups: ["*_group"] }]
apps:
  - name: llm
    host: [llm.corp.example, 127.0.0.1]
    upstream: { url: "${backend.origin}", credential: "\${file:backend.key}" }
    sign_in: [bearer, api_key]
    headers: { user: x-orion-user, groups: x-orion-groups, upn: false, email: false, name: false, roles: false, assertion: false }
    rules: [{ path: /v1/**, groups: [max_group, pro_group] }]
    limits:
      tiers:
        - { name: max, groups: [max_group], requests_per_minute: 600, concurrent: 20 }
        - { name: default, requests_per_minute: 6, concurrent: 1, tokens_per_minute: 40000, models: ['small-*'] }
`,
    });
    baseURL = `${gateway.origin}/v1`;
    key = await makeKey(gateway.folder, 'batch', '--group', 'max_group');
    process.env['KRB5_CONFIG'] = paths.krb5Conf;
    for (const person of ['alice', 'bob', 'carol']) {
      process.env['KRB5CCNAME'] = `FILE:${await kinit(person)}`;
      const negotiate = systemNegotiate({ way: 'library', service: 'app.corp.example' });
      const client = createTokenClient({ url: gateway.origin, negotiate });
      tokens.set(person, client);
      await client.token(); // while this is the ticket
    }
  });
  after(async () => {
    for (const [name, value] of [
      ['KRB5_CONFIG', usual.krb5Config],
      ['KRB5CCNAME', usual.ccache],
    ] as const)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    await gateway?.close();
    await backend?.close();
  });
  beforeEach(() => backend.forget());
  after(() => closeAll());
  afterEach(async () => {
    await until(() => backend.inProgress() === 0, 'the end of everything');
    const secrets = await credentials();
    for (const { fields, body } of backend.received) {
      const text = `${fields.join('\n')}\n${body.toString('latin1')}`;
      for (const secret of secrets)
        assert.ok(!text.includes(secret), 'a credential of the client has gone to the backend');
    }
  });

  const credentials = async (): Promise<readonly string[]> => [
    key,
    ...(await Promise.all(['alice', 'bob', 'carol'].map(token))),
  ];
  const valuesOf = ({ fields }: ReceivedRequest, name: string): readonly string[] =>
    fields.filter((_, i) => i % 2 === 1 && fields[i - 1]?.toLowerCase() === name);
  /** What came of one step. */
  const one = async (program: Program, step: Step): Promise<unknown> => (await program.take(step))[0];
  const running: Program[] = [];
  const started = (program: Program): Program => {
    running.push(program);
    return program;
  };
  const closeAll = async (): Promise<void> => void (await Promise.all(running.splice(0).map((one) => one.close())));

  const withToken = async (person = 'alice') => ({ baseURL, apiKey: await token(person) });
  const withKey = async () => ({ baseURL, apiKey: key });
  const withFetch = async () => ({ baseURL, apiKey: 'unused', fetch: tokens.get('alice')?.fetch ?? assert.fail() });
  for (const [name, user, start] of [
    ["npm's openai with a token", 'CORP\\alice', async () => inNode(await withToken())],
    ["npm's openai with an API key", 'key:batch', async () => inNode(await withKey())],
    ["npm's openai with the fetch of @cardea/client", 'CORP\\alice', async () => inNode(await withFetch())],
    ["Python's openai with a token", 'CORP\\alice', async () => inPython(await withToken())],
    ["Python's openai with an API key", 'key:batch', async () => inPython(await withKey())],
  ] as const)
    suite(name, () => {
      let program: Program;
      before(async () => {
        program = started(await start());
      });
      after(closeAll);
      test(`gets all kinds of answers, and the backend knows for whom they are`, async () => {
        assert.deepEqual(await one(program, 'answers'), {
          chat: 'good morning to you',
          words: ['', 'good ', 'morning ', 'to ', 'you', null],
          usage: 8,
          models: Object.keys(models),
          embedding: [98 / 128, 99 / 128, 0],
          response: 'good morning',
          typed: ['response.created', 'response.output_text.delta', 'response.completed'],
          sound: sound.length,
        });
        assert.equal(backend.received.length, 8);
        for (const request of backend.received)
          assert.deepEqual(
            ['authorization', 'x-orion-user', 'x-orion-groups'].map((field) => valuesOf(request, field)),
            [['Bearer backend-key'], [user], ['max_group']],
          );
      });

      test(`takes errors of the backend for what they are, and tries again by itself`, async () => {
        assert.deepEqual(await one(program, 'errors'), {
          'unknown model': ['NotFoundError', 404, 'model_not_found'],
          failure: ['InternalServerError', 500, null],
          'limit of the backend': ['RateLimitError', 429, 'rate_limit_exceeded'],
          'failure that passes': 'good morning to you',
        });
        const tries = backend.received.map((request) => valuesOf(request, 'x-stainless-retry-count')[0]);
        assert.deepEqual(tries, ['0', '0', '0', '0', '1']);
      });

      test(`notices that a stream has broken off`, async () => {
        assert.notEqual(await one(program, 'broken'), 'no error');
      });

      test(`cancels a silent stream, and the backend hears of it within 100 ms`, async (t) => {
        // Of five: a machine that is busy with something else may miss any one of them.
        const at = await program.take('cancel', 'cancel', 'cancel', 'cancel', 'cancel');
        await until(() => backend.received.every(({ end }) => end !== undefined), 'the end of the streams');
        assert.deepEqual(new Set(backend.received.map(({ end }) => end?.how)), new Set(['gone']));
        const took = backend.received.map(({ end }, i) => Math.round((end?.at ?? Number.NaN) - Number(at[i])));
        t.diagnostic(`the backend heard of it after ${took.join(', ')} ms`);
        assert.ok(Math.min(...took) <= 100, took.join(', '));
      });
    });

  const both = [
    ["npm's openai", inNode],
    ["Python's openai", inPython],
  ] as const;

  for (const [name, program] of both) {
    test(`${name} knows that it may not use a model`, async () => {
      const refused = await one(started(program(await withToken('carol'))), 'other model');
      assert.deepEqual(refused, ['PermissionDeniedError', 403, 'model_not_allowed']);
      assert.equal(backend.received.length, 0);
    });

    test(`${name} knows that its token is not good`, async () => {
      const good = await token('alice');
      const [head, claims, signature = ''] = good.split('.');
      const apiKey = [head, claims, `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`].join('.');
      const refused = await one(started(program({ baseURL, apiKey })), 'refused');
      assert.deepEqual(Array.isArray(refused) && refused.slice(0, 2), ['AuthenticationError', 401]);
      assert.equal(backend.received.length, 0);
    });

    test(`${name} waits as it is told while all of a person's places are taken, and then gets its answer`, async () => {
      const places = async (): Promise<number> => {
        const { body } = await send(`${gateway.admin}/metrics`);
        return Number(/^cardea_limit_decisions_total\{.*result="concurrent".*\} (\d+)$/m.exec(body)?.[1] ?? 0);
      };
      const refusedBefore = await places();
      const holds = await fetch(`${baseURL}/chat/completions`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${await token('carol')}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({
          model: 'small-echo',
          messages: [{ role: 'user', content: 'a b' }],
          metadata: { pause_ms: '600000' },
          stream: true,
        }),
      });
      const answer = one(started(program(await withToken('carol'))), 'patient');
      await until(async () => (await places()) > refusedBefore, 'the refusal', 20_000);
      assert.equal(backend.inProgress('CORP\\carol'), 1);
      await holds.body?.cancel();
      assert.equal(await answer, 'good morning to you');
      assert.notEqual(valuesOf(backend.received.at(-1) ?? assert.fail(), 'x-stainless-retry-count')[0], '0');
      assert.equal(backend.mostInProgress('CORP\\carol'), 1);
    });
  }

  test('both know that a limit is reached, and what is left of it before', async () => {
    const client = new OpenAI({ ...(await withToken('bob')), maxRetries: 0 });
    const left: (string | null)[] = [];
    for (let i = 0; i < 6; i++) {
      const { response } = await client.models.list().withResponse();
      left.push(/"requests-per-minute";r=(\d)/.exec(response.headers.get('ratelimit') ?? '')?.[1] ?? null);
    }
    assert.deepEqual(left, ['5', '4', '3', '2', '1', '0']);
    for (const [, program] of both)
      assert.deepEqual(await one(started(program(await withToken('bob'))), 'refused'), [
        'RateLimitError',
        429,
        'rate_limit_exceeded',
      ]);
    const error: unknown = await client.models.list().then(undefined, (caught: unknown) => caught);
    assert.ok(error instanceof RateLimitError);
    const wait = Number(error.headers.get('retry-after'));
    assert.ok(wait >= 1 && wait <= 60, String(wait));
    assert.match(error.message, /^429 Rate limit reached: 6 requests per minute\. Try again in \d+ s\.$/);
    assert.equal(backend.received.length, 6);
  });

  test('no credential, no question and no answer stands in a log or metric', async () => {
    const { body: metrics } = await send(`${gateway.admin}/metrics`);
    for (const secret of [...(await credentials()), 'backend-key', 'good morning'])
      assert.ok(!(gateway.written() + metrics).includes(secret));
  });
});
