import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import type { CheckResponse } from './ext-authz-answer.ts';
import { ExtAuthz } from './ext-authz.ts';
import { authorizationService } from './ext-authz-service.ts';
import type { Judge } from './forward-auth-endpoint.ts';
import { grpcForTest } from './grpc-testing.ts';

interface Asked {
  readonly answer: CheckResponse | undefined;
  readonly code: number | undefined;
  readonly refused: readonly string[];
  readonly trouble: readonly string[];
}

/** One question to a service that judges so. The bytes of a message may be given. */
async function ask(t: TestContext, judge: Judge, bytes = plain): Promise<Asked> {
  const refused: string[] = [];
  const trouble: string[] = [];
  const recorder = { badRequest: (_head: unknown, _id: string, reason: string) => refused.push(reason) };
  const extAuthz = new ExtAuthz({ judge, recorder, limits: { bytes: 65_536, fields: 100 } });
  const service = authorizationService({ extAuthz, onTrouble: (message) => trouble.push(message), longestMs: 20 });
  const listener = await grpcForTest(t, { services: [service] });
  const client = new Client(`127.0.0.1:${listener.port}`, credentials.createInsecure());
  t.after(() => client.close());
  const { Check: check } = service.definition;
  if (check === undefined) throw new TypeError('There is no Check');
  return new Promise((resolve) =>
    client.makeUnaryRequest<Buffer, CheckResponse>(
      check.path,
      (message) => message,
      (message) => check.responseDeserialize(message),
      bytes,
      { deadline: Date.now() + 120_000 },
      (error: ServiceError | null, answer) => resolve({ answer, code: error?.code, refused, trouble }),
    ),
  );
}

/** A field of a message: its number, its length (below 128 here or of two bytes), its content. */
const field = (number: number, content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content);
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
};
const header = (key: string, value: string): Buffer => field(1, Buffer.concat([field(1, key), field(3, value)]));
/** By the numbers in Envoy's own definition, written out: method, path, host, a body that nobody has asked for, fields. */
const plain = field(
  1,
  field(
    4,
    field(
      2,
      Buffer.concat([
        field(2, 'GET'),
        field(4, '/a'),
        field(5, 'desk'),
        field(11, 'body'),
        field(13, Buffer.concat([header('x-forwarded-proto', 'http'), header('x-forwarded-for', '192.0.2.7')])),
      ]),
    ),
  ),
);
const yes: Awaited<ReturnType<Judge>> = {
  allow: true,
  target: '/a',
  identityFields: ['X-User', 'alice'],
  clientFields: [],
  responseFields: [],
  removed: () => ['x-y'],
};

suite('authorizationService()', () => {
  test('reads a message by its numbers, and asks for the judgement of what is in it', async (t) => {
    let seen: unknown;
    const { answer } = await ask(t, (original, how) => {
      const { method, target, fields, connection } = original;
      seen = { method, target, fields, address: connection.remoteAddress, how };
      return yes;
    });
    assert.deepEqual(seen, {
      method: 'GET',
      target: '/a',
      fields: ['Host', 'desk', 'x-forwarded-proto', 'http', 'x-forwarded-for', '192.0.2.7'],
      address: '127.0.0.1',
      how: { keepsTarget: false },
    });
    assert.deepEqual(answer?.okResponse?.headersToRemove, ['x-y']);
  });

  test('answers with what a promise gives', async (t) => {
    const { answer } = await ask(t, async () => yes);
    assert.equal(answer?.okResponse?.headers[0]?.header.value, 'alice');
  });

  test('a message without a request is refused, and written down', async (t) => {
    const { answer, refused } = await ask(t, () => yes, Buffer.alloc(0));
    assert.deepEqual([answer?.deniedResponse?.status.code, refused], [400, ['forward-auth-no-request']]);
  });

  test('bytes that are no message get no answer that lets pass', async (t) => {
    const { answer, code } = await ask(t, () => yes, Buffer.from([0xff, 0xff, 0xff]));
    assert.equal(answer, undefined);
    assert.equal(code, status.INTERNAL);
  });

  test('a judgement that fails is an error without its cause, which the log has', async (t) => {
    for (const judge of [
      () => {
        throw new Error('secret');
      },
      async () => Promise.reject(new Error('secret')),
    ]) {
      const { answer, code, trouble } = await ask(t, judge);
      assert.deepEqual([answer, code, trouble.length], [undefined, status.INTERNAL, 1]);
    }
  });

  test('a judgement that takes too long is an error, whatever comes of it later', async (t) => {
    const { promise, resolve } = Promise.withResolvers<typeof yes>();
    const { answer, code } = await ask(t, () => promise);
    assert.deepEqual([answer, code], [undefined, status.DEADLINE_EXCEEDED]);
    resolve(yes);
  });
});
