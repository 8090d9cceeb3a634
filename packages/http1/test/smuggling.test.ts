import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Gate, startGate, upstreamAt, type Wire } from '../src/engine-testing.ts';
import { RecordingUpstream, type SeenRequest } from './recording-upstream.ts';
import { type Payload, payloads } from './smuggling-payloads.ts';

let gate: Gate;
let upstream: RecordingUpstream;

const answer = ({ line }: SeenRequest): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${line.length}\r\n\r\n${line.startsWith('HEAD') ? '' : line}`;

/** Runs this against an engine of its own. */
async function against(answerTo: (request: SeenRequest) => string, run: () => Promise<void>): Promise<void> {
  upstream = new RecordingUpstream(answerTo);
  gate = await startGate({ upstream: upstreamAt(await upstream.listen()) });
  try {
    await run();
  } finally {
    await gate.close();
    await upstream.close();
  }
  assert.deepEqual(gate.errors, []);
}

/** Sends in pieces that arrive one by one. */
async function send(client: Wire, bytes: string, ...cuts: readonly number[]): Promise<void> {
  for (const [i, from] of [0, ...cuts].entries()) {
    client.send(bytes.slice(from, cuts[i] ?? bytes.length));
    for (let turns = 0; turns < 3; turns++) await turn();
  }
}

/** Somebody else's request, over whatever connections the payload has left. It must arrive whole, and get its own answer. */
async function askAsVictim(): Promise<void> {
  const victim = await gate.connect();
  victim.head('GET /victim HTTP/1.1', 'Host: app');
  const got = await victim.until('GET /victim HTTP/1.1');
  assert.match(got, /^HTTP\/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)*\r\nGET \/victim HTTP\/1\.1$/);
}

/** What must hold whatever was sent: the upstream saw what was judged, in no other order and with no doubt about it. */
function checkSeen({ sees }: Payload): void {
  const { seen } = upstream;
  for (const { doubt } of seen) assert.equal(doubt, undefined);
  const requests = seen.flatMap((connection) => connection.requests);
  const judged = gate.heads.map(({ method, target }) => `${method} ${target} HTTP/1.1`);
  assert.equal(
    judged.some((line) => line.includes('smuggled')),
    false,
  );

  const lines = requests.map(({ line }) => line);
  // What broke off may have been judged and never sent.
  if (sees !== 'cut') assert.deepEqual(lines.sort(), judged.sort());
  const attack = requests.filter(({ line }) => line !== 'GET /victim HTTP/1.1');
  if (sees === 'none') return assert.deepEqual(attack, []);
  assert.equal(attack.length <= 1, true);
  if (sees === 'cut') return assert.equal(attack[0]?.complete ?? false, false);
  assert.deepEqual(
    attack.map(({ content, complete }) => ({ content, complete })),
    [{ content: sees.content, complete: true }],
  );
}

/** The payload is through: refused and closed, or answered. */
async function settle(client: Wire, { sees }: Payload): Promise<void> {
  if (typeof sees !== 'string') {
    await client.until('\r\n\r\n');
    return;
  }
  assert.match(
    await client.until('\r\n\r\n'),
    /^HTTP\/1\.1 (?:400|405|413|417|431|501|505) [^]*\r\nConnection: close\r\n/,
  );
  await client.end();
  assert.equal(client.received.match(/HTTP\/1\.1 /g)?.length, 1, client.received);
}

for (const payload of payloads) {
  const { name, bytes, sees } = payload;
  const what = sees === 'none' ? 'nothing' : sees === 'cut' ? 'no whole request' : 'one request';
  test(`engine lets the upstream see ${what}: ${name}`, async () => {
    const head = bytes.indexOf('\r\n\r\n') + 4;
    for (const places of [[], [head], [head - 1, bytes.length - 1]])
      await against(answer, async () => {
        const client = await gate.connect();
        await send(client, bytes, ...places.filter((place) => place > 0 && place < bytes.length));
        await settle(client, payload);
        await askAsVictim();
        checkSeen(payload);
      });
  });
}
