import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import { llhttpCases } from '../../packages/http1/test/llhttp-cases.ts';
import { mended } from '../../packages/http1/test/llhttp-mended.ts';
import { fuzzRuns, requests, responses } from '../../packages/http1/test/message-grammar.ts';
import { type Message, untilClose } from '../../packages/http1/test/messages.ts';
import { nodeRequests, nodeResponse } from '../../packages/http1/test/node-reading.ts';
import type { SeenRequest } from '../../packages/http1/test/recording-upstream.ts';
import { payloads } from '../../packages/http1/test/smuggling-payloads.ts';
import { transcript } from '../../packages/http1/test/transcript.ts';
import { type Answered, answerAll, type Forwarded, forwardAll, hasHost } from './forwarding-run.ts';
import { readWithH11, withoutH11 } from './h11-reader.ts';
import { type NginxReader, startNginxReader, withoutNginx } from './nginx-reader.ts';

/*
 * Nothing that we write may be read differently by whoever gets it. What goes to upstreams is read by nginx, h11 and
 * node:http as servers, what goes to clients by the three as clients, and each has to find what we meant.
 */

const seed = Number(process.env['CARDEA_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const sampled = (all: fc.Arbitrary<Buffer>): Buffer[] => fc.sample(all, { numRuns: fuzzRuns(1_500), seed });

const vectors = fileURLToPath(new URL('../../../shared/vectors/llhttp', import.meta.url));
// Left out where they are not, and not skipped: a skipped lab suite is a failure.
const cases = existsSync(vectors) ? llhttpCases(vectors) : [];

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

interface Corpus {
  readonly name: string;
  readonly inputs: readonly Buffer[];
  forwarded: Forwarded;
}

suite('what upstreams get', () => {
  const corpora: Corpus[] = [
    { name: `grammar fuzz, seed ${seed}`, inputs: sampled(requests) },
    {
      name: 'the cases of llhttp',
      inputs: cases.filter(({ kind }) => kind === 'request').map((each) => mended(each).bytes),
    },
    { name: 'smuggling payloads', inputs: payloads.map(({ bytes }) => bytesOf(bytes)) },
  ]
    .filter(({ inputs }) => inputs.length > 0)
    .map((corpus) => ({ ...corpus, forwarded: { streams: [], ofInput: [] } }));

  before(async () => {
    for (const corpus of corpora) corpus.forwarded = await inTurns(corpus.inputs);
  });

  for (const corpus of corpora) {
    const streams = (): Forwarded['streams'] => corpus.forwarded.streams;

    test(`engine forwards nothing that can be doubted: ${corpus.name}`, () => {
      assert.deepEqual(
        streams().flatMap(({ seen }) => seen.doubt ?? []),
        [],
      );
      // A corpus of which nothing is forwarded would prove nothing.
      const whole = streams().flatMap(({ seen }) => wholeOf(seen.requests));
      assert.ok(whole.length >= Math.min(30, corpus.inputs.length / 8), `only ${whole.length} requests were forwarded`);
    });

    test(`node:http reads what upstreams get as it was meant: ${corpus.name}`, async () => {
      for (const { bytes, seen } of streams()) {
        const read = await nodeRequests(bytes);
        assert.deepEqual(read.map(short), wholeOf(seen.requests).map(asMessage).map(short));
      }
    });

    test(`h11 reads what upstreams get as it was meant: ${corpus.name}`, { skip: withoutH11 }, async () => {
      const readings = await readWithH11(streams().map(({ bytes }) => ({ role: 'requests', bytes })));
      for (const [i, { seen }] of streams().entries()) {
        const { messages, ending } = readings[i] ?? { messages: [], ending: 'nothing' };
        assert.deepEqual(messages.map(short), wholeOf(seen.requests).map(asMessage).map(short));
        const cut = seen.requests.at(-1)?.complete === false;
        // h11 says both of a message that breaks off: that it did, or that the rest is missing.
        assert.match(ending, cut ? /^cut off$|without sending complete message body/ : /^end$/);
      }
    });
  }

  test('engine forwards what it has judged and nothing else, in its order and with its content', () => {
    const fuzz: Corpus | undefined = corpora[0];
    assert.ok(fuzz !== undefined);
    let several = 0;
    for (const [i, bytes] of fuzz.inputs.entries()) {
      const read = untilClose(transcript([bytes], { kind: 'request', ends: true }));
      // The engine closes behind every request of HTTP/1.0.
      const last = read.findIndex(({ minor }) => minor === 0);
      const judged = (last === -1 ? read : read.slice(0, last + 1)).filter(
        ({ line, fields }) => / \//.test(line) && hasHost(fields),
      );
      const got: readonly SeenRequest[] = fuzz.forwarded.ofInput[i] ?? [];
      if (got.length > 1) several++;
      assert.deepEqual(
        got.map(({ line, content }) => [line.replace(/ HTTP\/1\.1$/, ''), content]),
        judged.map(({ line, data }) => [line, data]),
        JSON.stringify(bytes.toString('latin1')),
      );
    }
    assert.ok(several > 20, `only ${several} inputs had several requests`);
  });

  suite('nginx', { skip: withoutNginx }, () => {
    let nginx: NginxReader;
    before(async () => {
      nginx = await startNginxReader();
    });
    after(() => nginx?.stop());

    for (const corpus of corpora)
      test(`nginx reads what upstreams get as it was meant: ${corpus.name}`, async () => {
        for (const { bytes, seen } of corpus.forwarded.streams) {
          const whole = seen.requests.every(({ complete }) => complete);
          const { passed, answers } = await nginx.readRequests(whole ? Buffer.concat([bytes, LAST]) : bytes, whole);
          const meant = wholeOf(seen.requests).map((request) => passedOn(asMessage(request)));
          if (whole) meant.push({ line: 'GET /last', fields: ['Host', 'last'], data: '' });
          assert.deepEqual(
            passed.map(({ line, fields, data }) => passedOn({ line, fields, data })),
            meant,
          );
          assert.deepEqual(answers.match(/^HTTP\/1\.1 (?![12]00 )\d+.*$/gm) ?? [], []);
        }
      });
  });
});

suite('what clients get', () => {
  const asked = [
    ...sampled(responses).map((bytes, i) => ({ bytes, method: i % 4 === 0 ? 'HEAD' : 'GET' })),
    ...cases
      .filter(({ kind }) => kind === 'response')
      .map(({ bytes, skipBody }) => ({ bytes, method: skipBody ? 'HEAD' : 'GET' })),
  ];
  let answers: readonly Answered[] = [];
  /** What our own reader finds in them: the final response, or nothing when it is cut off. */
  let meant: readonly (Message | undefined)[] = [];

  before(async () => {
    answers = await answerAll(asked);
    meant = answers.map(({ bytes, closed }, i) => firstOf(bytes, asked[i]?.method ?? 'GET', closed));
  });

  test('engine passes on the response that it has read, or says 502, or breaks off', () => {
    let passed = 0;
    for (const [i, { bytes, method }] of asked.entries()) {
      const read = firstOf(bytes, method, true);
      const got = meant[i];
      const about = JSON.stringify([bytes.toString('latin1'), answers[i]?.bytes.toString('latin1')]);
      if (read === undefined) assert.ok(got === undefined || got.line.startsWith('502 '), about);
      else {
        assert.deepEqual([got?.line.split(' ')[0], got?.data], [read.line.split(' ')[0], read.data], about);
        passed++;
      }
    }
    assert.ok(passed > asked.length / 5, `only ${passed} responses were passed on`);
  });

  test('node:http reads what clients get as it was meant', async () => {
    for (const [i, { bytes }] of answers.entries()) {
      const read = await nodeResponse(bytes, asked[i]?.method ?? 'GET');
      assert.deepEqual(read && short(read), meant[i] && short(meant[i]), JSON.stringify(bytes.toString('latin1')));
    }
  });

  test('h11 reads what clients get as it was meant', { skip: withoutH11 }, async () => {
    const readings = await readWithH11(
      answers.map(({ bytes }, i) => ({ role: 'responses', bytes, methods: [asked[i]?.method ?? 'GET'] })),
    );
    for (const [i, { bytes }] of answers.entries()) {
      const { messages, rest } = readings[i] ?? { messages: [], rest: -1 };
      const found = meant[i];
      const about = JSON.stringify([bytes.toString('latin1'), readings[i]?.ending]);
      assert.deepEqual(messages.map(short), found === undefined ? [] : [short(found)], about);
      if (found !== undefined) assert.equal(rest, 0, about);
    }
  });

  test('nginx reads what clients get as it was meant', { skip: withoutNginx }, async () => {
    const nginx = await startNginxReader();
    try {
      for (const [i, { bytes, closed }] of answers.entries()) {
        // nginx 1.22 takes an interim response for the final one, whoever sends it.
        if (bytes.subarray(0, 10).toString() === 'HTTP/1.1 1') continue;
        const method = asked[i]?.method ?? 'GET';
        const { status, data, complete } = await nginx.readResponse(bytes, method, closed);
        const about = JSON.stringify([bytes.toString('latin1'), status, data]);
        const found = meant[i];
        if (found === undefined) assert.ok(!complete || status === 502, about);
        else assert.deepEqual([`${status}`, data, complete], [found.line.split(' ')[0], found.data, true], about);
      }
    } finally {
      await nginx.stop();
    }
  });
});

/** Behind it nginx closes the connection. */
const LAST = bytesOf('GET /last HTTP/1.1\r\nHost: last\r\nConnection: close\r\n\r\n');

/** A few inputs for each engine, so that what one of them breaks off does not stand for all. */
async function inTurns(inputs: readonly Buffer[]): Promise<Forwarded> {
  const all: Forwarded[] = [];
  for (let at = 0; at < inputs.length; at += 60) all.push(await forwardAll(inputs.slice(at, at + 60)));
  return { streams: all.flatMap(({ streams }) => streams), ofInput: all.flatMap(({ ofInput }) => ofInput) };
}

const wholeOf = (seen: readonly SeenRequest[]): SeenRequest[] => seen.filter(({ complete }) => complete);

const firstOf = (bytes: Buffer, method: string, closed: boolean): Message | undefined =>
  untilClose(transcript([bytes], { kind: 'response', ends: closed, methods: [method] }))[0];

/** What the independent reader of the upstream has found, in the form of the others. */
function asMessage({ line, fields, content }: SeenRequest): Omit<Message, 'trailers'> {
  const parts = fields.flatMap((field) => {
    const colon = field.indexOf(': ');
    return [field.slice(0, colon), field.slice(colon + 2)];
  });
  return { line: line.replace(/ HTTP\/1\.1$/, ''), minor: 1, fields: parts, data: content };
}

/** Trailers aside, which the upstream's reader does not keep, and names in one spelling. */
const short = ({ line, minor, fields, data }: Omit<Message, 'trailers'>): unknown => ({
  line,
  minor,
  fields: fields.map((part, i) => (i % 2 === 0 ? part.toLowerCase() : part)),
  data,
});

/** What nginx passes on in its own words. */
const HOP_BY_HOP = /^(?:connection|content-length|transfer-encoding|expect|keep-alive|te|upgrade|trailer)$/i;

function passedOn({ line, fields, data }: Omit<Message, 'trailers' | 'minor'>): Omit<Message, 'trailers' | 'minor'> {
  const pairs: string[][] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const [name = '', value = ''] = fields.slice(i, i + 2);
    if (!HOP_BY_HOP.test(name) && value !== '') pairs.push([name, value]);
  }
  // It puts Host first.
  pairs.sort(([a = ''], [b = '']) => Number(/^host$/i.test(b)) - Number(/^host$/i.test(a)));
  return { line, fields: pairs.flat(), data };
}
