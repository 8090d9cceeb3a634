import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { encodeKrbError } from '../../../../kerberos/src/messages/krb-error.ts';
import { kdcTime, serverTimeOf } from './kdc-clock.ts';

const time = Date.UTC(2026, 10, 22, 17, 30, 5);
const error = encodeKrbError({
  ctime: 0,
  stime: time,
  susec: 12,
  errorCode: 6,
  realm: 'CORP.EXAMPLE',
  service: { nameType: 2, components: ['krbtgt', 'CORP.EXAMPLE'] },
  text: 'no such principal',
});

test('serverTimeOf() reads the time of a KRB-ERROR', () => assert.equal(serverTimeOf(error), time));

test('serverTimeOf() finds no time in anything else', () => {
  assert.equal(serverTimeOf(new Uint8Array()), undefined);
  assert.equal(serverTimeOf(error.subarray(0, -1)), undefined);
  assert.equal(serverTimeOf(Buffer.concat([Buffer.of(0x6b), error.subarray(1)])), undefined);
});

/** A KDC that says this in pieces, and ends. */
async function server(...pieces: readonly Uint8Array[]) {
  const listening = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    const next = (i: number): void => {
      const piece = pieces[i];
      if (piece === undefined) socket.end();
      // Apart, so that they arrive apart: nobody tells a server when its client has read.
      else socket.write(piece, () => setTimeout(next, 20, i + 1));
    };
    next(0);
  }).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, close: () => listening.close() };
}

const length = Buffer.of(0, 0, error.length >> 8, error.length & 0xff);

test('kdcTime() puts together an answer that comes in pieces', async () => {
  const { port, close } = await server(
    length.subarray(0, 2),
    length.subarray(2),
    error.subarray(0, 9),
    error.subarray(9),
  );
  assert.equal(await kdcTime('127.0.0.1', 'CORP.EXAMPLE', 2_000, port), time);
  close();
});

test('kdcTime() is undefined when the connection ends without an answer', async () => {
  const { port, close } = await server(length, error.subarray(0, 9));
  assert.equal(await kdcTime('127.0.0.1', 'CORP.EXAMPLE', 2_000, port), undefined);
  close();
});
