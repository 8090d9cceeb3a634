import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type Gate, type GateOptions, startGate, upstreamAt, type Wire } from '../src/engine-testing.ts';
import { RecordingUpstream, type SeenRequest } from './recording-upstream.ts';

let seen: SeenRequest[];

/** The same head every time, so that only what the client asked for can make a difference. */
function answerTo(request: SeenRequest): string {
  seen.push(request);
  const fields = ['Date: Sun, 22 Nov 2026 12:00:00 GMT', 'Server: app', 'Set-Cookie: a=1', 'Content-Length: 2'];
  return ['HTTP/1.1 200 OK', ...fields, '', request.line.startsWith('HEAD') ? '' : 'ok'].join('\r\n');
}

let upstreams: RecordingUpstream[];
let origin: string;
let gates: Gate[];

beforeEach(async () => {
  upstreams = [];
  origin = await listening(new RecordingUpstream(answerTo));
  gates = [];
  seen = [];
});

afterEach(async () => {
  for (const gate of gates) {
    await gate.close();
    assert.deepEqual(gate.errors, []);
  }
  for (const upstream of upstreams) await upstream.close();
});

function listening(upstream: RecordingUpstream): Promise<string> {
  upstreams.push(upstream);
  return upstream.listen();
}

async function open(options: Partial<GateOptions> = {}): Promise<Gate> {
  const gate = await startGate({ upstream: upstreamAt(origin), ...options });
  gates.push(gate);
  return gate;
}

/** Sends these bytes; gives all that comes back, and whether the connection stays open. */
async function ask(client: Wire, line: string, rest: string): Promise<{ readonly answer: string; open: boolean }> {
  client.received = '';
  client.send(`${line}\r\n${rest}`);
  await client.when(() => client.ended || client.closed || isComplete(client.received, line));
  // The date is the engine's where the upstream was not asked.
  const answer = client.received.replace(/^Date: (?!Sun, 22 Nov 2026 12:00:00).*\r\n/m, '');
  if (/^Connection: close/m.test(answer)) await client.end();
  return { answer, open: !client.ended && !client.closed };
}

function isComplete(text: string, line: string): boolean {
  const final = text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
  const end = final.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const length = line.startsWith('HEAD') ? 0 : Number(/^content-length: (\d+)/im.exec(final)?.[1] ?? 0);
  return final.length >= end + 4 + length;
}

const lines = [
  'GET /a HTTP/1.1',
  'HEAD /a HTTP/1.1',
  'POST /b?c HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'GET /a HTTP/1.0',
  'CONNECT a:1 HTTP/1.1',
  'GET * HTTP/1.1',
  'get / HTTP/1.1',
  'FETCH / HTTP/1.1',
  'GET / HTTP/1.2',
  'GET /\u00e4 HTTP/1.1',
  'GET  / HTTP/1.1',
];

const rests = [
  'Host: a\r\nCookie: a=b\r\n\r\n',
  'Host: a\r\nContent-Length: 3\r\n\r\nabc',
  'Host: a\r\nContent-Length: 0\r\n\r\n',
  'Host: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n',
  'Host: a\r\nExpect: 100-continue\r\n\r\n',
  'Host: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na',
];

/** What comes of a request: the answer, what becomes of the connection, and what the upstream has got. */
async function outcome(client: Wire, line: string, rest: string) {
  seen = [];
  return { ...(await ask(client, line, rest)), seen };
}

for (const rest of rests)
  for (const first of lines.slice(0, 4))
    test(`engine judges a repeated field block by its own request line: ${JSON.stringify(rest)} behind ${first}`, async () => {
      const gate = await open();
      for (const line of lines) {
        const alone = await outcome(await (await open()).connect(), line, rest);
        const client = await gate.connect();
        const { open: isOpen } = await outcome(client, first, rest);
        assert.ok(isOpen);
        assert.deepEqual(await outcome(client, line, rest), alone, line);
      }
    });

test('engine relays a repeated answer with what each verdict adds, and filters it anew for another filter', async () => {
  const verdicts = [
    {},
    { responseFields: ['Set-Cookie', 'b=2'] },
    {},
    { upstreamFields: (fields: readonly string[]) => fields.filter((_, i) => fields[i - (i % 2)] !== 'Set-Cookie') },
    {},
  ];
  const gate = await open({ decide: (_head, _client, forward) => ({ ...forward(), ...verdicts.shift() }) });
  const client = await gate.connect();
  const cookies: string[][] = [];
  for (let i = 0; i < 5; i++) {
    const { answer } = await ask(client, 'GET / HTTP/1.1', 'Host: a\r\n\r\n');
    cookies.push(answer.match(/(?<=^Set-Cookie: ).*(?=\r)/gm) ?? []);
  }
  assert.deepEqual(cookies, [['a=1'], ['b=2', 'a=1'], ['a=1'], [], ['a=1']]);
});

test('engine relays an answer as it is when only its status line, a field or the content is new', async () => {
  const date = 'Date: Sun, 22 Nov 2026 12:00:00 GMT';
  const whole = (line: string, fields: readonly string[], content: string): string =>
    [line, ...fields, `Content-Length: ${content.length}`, '', content].join('\r\n');
  const answers = [
    whole('HTTP/1.1 200 OK', [date], 'one'),
    whole('HTTP/1.1 200 OK', [date], 'two'),
    whole('HTTP/1.1 404 No', [date], 'two'),
    whole('HTTP/1.1 404 No', [date, 'X: 1'], 'three'),
    whole('HTTP/1.1 404 No', [date, 'X: 2'], 'three'),
    whole('HTTP/1.1 200 OK', [date], 'one'),
  ];
  const origin = await listening(
    new RecordingUpstream(({ line }) => answers[Number(line.slice('GET /'.length, 'GET /0'.length))] ?? ''),
  );
  const gate = await open({ upstream: upstreamAt(origin) });
  const client = await gate.connect();
  for (const [i, answer] of answers.entries())
    assert.equal((await ask(client, `GET /${i} HTTP/1.1`, 'Host: a\r\n\r\n')).answer, answer);
});

test('engine dates a repeated answer without a date by the second in which it goes on', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 });
  const origin = await listening(new RecordingUpstream(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  const gate = await open({ upstream: upstreamAt(origin) });
  const client = await gate.connect();
  const dates: (string | undefined)[] = [];
  for (let i = 0; i < 2; i++) {
    client.received = '';
    client.head('GET / HTTP/1.1', 'Host: a');
    dates.push(/^Date: (.*)\r$/m.exec(await client.until('\r\n\r\nok'))?.[1]);
    t.mock.timers.tick(5_000);
  }
  assert.deepEqual(dates, ['Thu, 01 Jan 1970 00:00:00 GMT', 'Thu, 01 Jan 1970 00:00:05 GMT']);
});

test('engine says that it closes in a repeated answer to a client that wants it to', async () => {
  const gate = await open();
  const client = await gate.connect();
  await ask(client, 'GET / HTTP/1.1', 'Host: a\r\n\r\n');
  const { answer } = await ask(client, 'GET / HTTP/1.1', 'Host: a\r\nConnection: close\r\n\r\n');
  assert.match(answer, /\r\nConnection: close\r\n/);
});
