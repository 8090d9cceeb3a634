/**
 * `sign_in: none`: the bytes at the app's socket and at the client's, with the gateway between them and without it. Each
 * difference that is permitted has a name in the table of docs/sign-in.md, and stands there because of a case here.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { asBrowser, send, startTestGateway, type TestGateway, until, usersFile } from './harness.ts';

let gateway: TestGateway;
let app: Server;
let appPort = 0;
/** Everything that the app has received, and how it answers. */
let received = '';
let react: (bytes: string, socket: Socket) => void = () => {};
const appSockets = new Set<Socket>();

/** What the machine of the sample app, 127.0.0.1, is called besides. */
const doors = ['localhost', '0.0.0.0', '[::ffff:127.0.0.1]'];

before(async () => {
  app = createServer((socket) => {
    appSockets.add(socket);
    socket.on('close', () => appSockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      react(received, socket);
    });
  });
  await once(app.listen(0, '127.0.0.1'), 'listening');
  const where = app.address();
  appPort = where !== null && typeof where === 'object' ? where.port : 0;
  const upstream = `http://127.0.0.1:${appPort}`;
  gateway = await startTestGateway({
    files: { 'users.yaml': await usersFile({ alice: [] }) },
    config: (sample) => `
trusted_proxies: []
sign_in: [{ password: { users: users.yaml } }]
apps:
  - { name: open, host: open.corp.example, upstream: "${upstream}", sign_in: none }
  - { name: told, host: told.corp.example, upstream: "${upstream}", sign_in: none, forwarded_headers: true }
  - { name: viewer, host: mixed.corp.example, path: /viewer, upstream: "${upstream}", sign_in: none }
  - { name: desk, host: mixed.corp.example, upstream: "${sample}", rules: [{ path: /**, signed_in: true }] }
${doors.map((name, i) => `  - { name: door${i}, host: door${i}.corp.example, upstream: "${sample.replace('127.0.0.1', name)}", sign_in: none }`).join('\n')}
`,
  });
});
after(async () => {
  await gateway.close();
  for (const socket of appSockets) socket.destroy();
  app.close();
});

const lines = (...all: readonly string[]): string => `${all.join('\r\n')}\r\n\r\n`;

/** Whether a request is there with all of its content, as it says itself. */
function isWhole(bytes: string): boolean {
  const end = bytes.indexOf('\r\n\r\n') + 4;
  if (end < 4) return false;
  const head = bytes.slice(0, end);
  if (/\r\ntransfer-encoding:/i.test(head)) return /(?:^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(bytes.slice(end));
  return bytes.length >= end + Number(/\r\ncontent-length: *([0-9]+)/i.exec(head)?.[1] ?? 0);
}

type Way = 'direct' | 'through';

interface Exchange {
  readonly sent: string;
  readonly back: string;
}

/** One connection of a client. `further` are parts that it sends when the answer so far ends with what stands before them. */
async function exchange(
  way: Way,
  request: string,
  { done, further = [] }: { done: (back: string) => boolean; further?: readonly (readonly [string, string])[] },
): Promise<Exchange> {
  received = '';
  const { hostname, port } = new URL(gateway.origin);
  const socket = connect(way === 'direct' ? appPort : Number(port), way === 'direct' ? '127.0.0.1' : hostname);
  let back = '';
  let ended = false;
  const todo = [...further];
  socket.on('error', () => {});
  socket.on('close', () => (ended = true));
  socket.on('data', (bytes) => {
    back += bytes.toString('latin1');
    const [next] = todo;
    if (next === undefined || !back.endsWith(next[0])) return;
    todo.shift();
    socket.write(next[1], 'latin1');
  });
  await once(socket, 'connect');
  socket.write(request, 'latin1');
  await until(() => ended || (todo.length === 0 && done(back)), 'the whole answer');
  socket.destroy();
  return { sent: received, back };
}

interface Case {
  readonly what: string;
  readonly request: string;
  /** What the app gets, where it is something else. */
  readonly arrives?: string;
  readonly response: string;
  /** What the client gets, where it is something else. */
  readonly comes?: string;
  /** The rows of the table by which it may be something else. */
  readonly because?: readonly string[];
  /** What the app says in the middle of the request, when it has got so much. */
  readonly earlier?: readonly (readonly [string, string])[];
  readonly further?: readonly (readonly [string, string])[];
  /** The app ends its answer by closing. */
  readonly closes?: boolean;
}

const noContent = lines('HTTP/1.1 204 No Content');
const get = (...fields: readonly string[]): string => lines('GET / HTTP/1.1', 'Host: open.corp.example', ...fields);

const cases: readonly Case[] = [
  {
    what: 'a form with odd fields',
    request: `${lines(
      'POST /a%20b/c;v=1?q=%E4&x=//evil.example/ HTTP/1.1',
      'aCCEPT: text/html ,*/*;q=0.1',
      'Cookie: theme=dark; lang=de',
      'Authorization: Basic YTpi',
      'Content-Length: 12',
      'X-API-Key: cardea_key_1',
      'X-CSRF-Token: own',
      'Host: open.corp.example',
      'Origin: https://elsewhere.example',
      'Sec-Fetch-Site: cross-site',
      'X-Twice: 1',
      'x-twice: 2',
      'X-TWICE: 1',
      'X-Empty: ',
      'X-Latin: gr\xfc\xdfe',
      'Content-Type: application/x-www-form-urlencoded',
    )}a=\x00\xff\r\n\r\n&b=1`,
    response: `${lines(
      "HTTP/1.1 418 I'm a teapot, short and st\xf6ut",
      'Set-Cookie: theme=light; Path=/',
      'set-cookie: a=b; Max-Age=0',
      'WWW-Authenticate: Basic realm="own"',
      'Location: https://elsewhere.example/',
      'Cache-Control: public, max-age=1',
      'Content-Length: 5',
      'Content-Security-Policy: default-src *',
      'x-lower: \xe4',
      'X-Request-Id: the-apps-own',
    )}te\x00\xffa`,
  },
  {
    what: 'what looks like ours, or like an identity',
    request: get(
      'Cookie: cardea=x; __Host-cardea=y; cardea-csrf=z; a=b',
      'X-Authenticated-User: CORP\\root',
      'x_authenticated.user: CORP\\root',
      'X-Cardea-Assertion: abc',
      'X-Forwarded-For: 10.0.0.1, 10.0.0.2',
      'Forwarded: for=10.0.0.1',
      'X-Request-Id: the-clients-own',
      'X-HTTP-Method-Override: DELETE',
      'X-Original-URL: /admin',
      'Authorization: Bearer cardea_abc',
    ),
    response: lines(
      'HTTP/1.1 200 OK',
      'Set-Cookie: __Host-cardea=x; Secure; Path=/',
      'Set-Cookie: cardea-csrf=y',
      'Content-Length: 0',
    ),
  },
  {
    what: 'another spelling of host and path',
    request: lines('GET /%7euser/%61%c3%bc?A=%61 HTTP/1.1', 'hOST: OPEN.Corp.Example:8080'),
    response: noContent,
  },
  {
    what: 'our own paths',
    request: lines('GET /auth/login?return=/ HTTP/1.1', 'Host: open.corp.example', 'Accept: text/html'),
    response: lines('HTTP/1.1 200 ', 'Content-Length: 0'),
  },
  {
    what: 'another of our own paths',
    request: lines('GET /.well-known/jwks.json HTTP/1.1', 'Host: open.corp.example'),
    response: noContent,
  },
  {
    what: 'a POST without content that does not say so',
    request: lines('POST / HTTP/1.1', 'Host: open.corp.example'),
    response: lines('HTTP/1.1 201 Created', 'Date: Sun, 22 Nov 2026 10:00:00 GMT', 'Content-Length: 0'),
  },
  {
    what: 'a GET with content, and a length with leading zeros',
    request: `${get('content-LENGTH: 003', 'X-Last: 1')}abc`,
    response: lines('HTTP/1.1 200 OK', 'content-LENGTH: 0'),
  },
  {
    what: 'a HEAD request, whose answer has a length and no content',
    request: lines('HEAD / HTTP/1.1', 'Host: open.corp.example'),
    response: lines('HTTP/1.1 200 OK', 'Content-Length: 100', 'ETag: "x"'),
  },
  {
    what: 'a 304',
    request: get('If-None-Match: "x"'),
    response: lines('HTTP/1.1 304 Not Modified', 'ETag: "x"'),
  },
  {
    what: 'chunks both ways, with trailers',
    request: `${lines(
      'PUT /x HTTP/1.1',
      'Host: open.corp.example',
      'transfer-ENCODING: chunked',
      'Trailer: X-Sum',
      'X-Last: 1',
    )}0003\r\nabc\r\n0\r\nX-Sum: 7\r\nX-Authenticated-User: root\r\n\r\n`,
    arrives: `${lines(
      'PUT /x HTTP/1.1',
      'Host: open.corp.example',
      'transfer-ENCODING: chunked',
      'Trailer: X-Sum',
      'X-Last: 1',
    )}3\r\nabc\r\n0\r\nX-Sum: 7\r\nX-Authenticated-User: root\r\n\r\n`,
    response: `${lines(
      'HTTP/1.1 200 OK',
      'Trailer: X-Sum',
      'Transfer-Encoding: chunked',
    )}0003\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n`,
    comes: `${lines(
      'HTTP/1.1 200 OK',
      'Trailer: X-Sum',
      'Transfer-Encoding: chunked',
    )}3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n`,
    because: ['Chunks'],
  },
  {
    what: 'fields that end at the next hop',
    request: get(
      'Connection: keep-alive, X-Hop',
      'Keep-Alive: timeout=5',
      'X-Hop: 1',
      'TE: trailers, gzip',
      'Proxy-Authorization: Basic YTpi',
      'Proxy: evil.example',
      'Upgrade: h2c',
      'X-Last: 1',
    ),
    arrives: get('X-Last: 1', 'TE: trailers'),
    response: lines(
      'HTTP/1.1 200 OK',
      'Connection: keep-alive, X-Hop',
      'Keep-Alive: timeout=5',
      'X-Hop: 1',
      'Content-Length: 0',
    ),
    comes: lines('HTTP/1.1 200 OK', 'Content-Length: 0'),
    because: ['Hop-by-hop fields'],
  },
  {
    what: 'blanks around values',
    request: get('X-A:1', 'X-B: \t 2 \t'),
    arrives: get('X-A: 1', 'X-B: 2'),
    response: lines('HTTP/1.1 200 OK', 'X-A:1', 'Content-Length:0'),
    comes: lines('HTTP/1.1 200 OK', 'X-A: 1', 'Content-Length: 0'),
    because: ['Blanks'],
  },
  {
    what: 'HTTP/1.0',
    request: lines('GET / HTTP/1.0', 'Host: open.corp.example'),
    arrives: get(),
    response: lines('HTTP/1.0 200 OK', 'Content-Length: 0'),
    comes: lines('HTTP/1.1 200 OK', 'Connection: close', 'Content-Length: 0'),
    because: ['Version', 'Hop-by-hop fields'],
  },
  {
    what: 'an answer that ends with its connection',
    request: get(),
    response: `${lines('HTTP/1.1 200 OK', 'X-A: 1')}abc`,
    comes: `${lines('HTTP/1.1 200 OK', 'X-A: 1', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`,
    closes: true,
    because: ['Chunks'],
  },
  {
    what: 'interim answers',
    request: get(),
    response:
      lines('HTTP/1.1 103 Some Hints', 'Link: </a.css>; rel=preload') + lines('HTTP/1.1 200 OK', 'Content-Length: 0'),
    comes:
      lines('HTTP/1.1 103 Early Hints', 'Link: </a.css>; rel=preload') + lines('HTTP/1.1 200 OK', 'Content-Length: 0'),
    because: ['Interim answers'],
  },
  {
    what: 'content that waits for a 100',
    request: lines('POST / HTTP/1.1', 'Host: open.corp.example', 'eXPECT: 100-Continue', 'Content-Length: 3'),
    earlier: [['\r\n\r\n', lines('HTTP/1.1 100 Continue')]],
    further: [[lines('HTTP/1.1 100 Continue'), 'abc']],
    arrives: `${lines('POST / HTTP/1.1', 'Host: open.corp.example', 'eXPECT: 100-Continue', 'Content-Length: 3')}abc`,
    response: noContent,
    comes: lines('HTTP/1.1 100 Continue') + noContent,
  },
  {
    what: 'fields that say nothing',
    request: get('Expect: 100-continue', 'Trailer: X-Sum', 'X-Last: 1'),
    arrives: get('X-Last: 1'),
    response: lines('HTTP/1.1 204 No Content', 'Trailer: X-Sum', 'Content-Length: 0', 'X-Last: 1'),
    comes: lines('HTTP/1.1 204 No Content', 'X-Last: 1'),
    because: ['Fields that mean nothing'],
  },
  {
    what: 'an upgrade, and what is said after it',
    request: get(
      'Upgrade: WebSocket',
      'Connection: keep-alive, Upgrade',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: chat, superchat',
      'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
      'Cookie: a=b',
    ),
    arrives: lines(
      'GET / HTTP/1.1',
      'Host: open.corp.example',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: chat, superchat',
      'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
      'Cookie: a=b',
      'Connection: Upgrade',
      'Upgrade: websocket',
    ),
    response: `${lines(
      'HTTP/1.1 101 Web Socket Protocol Handshake',
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      'Upgrade: WebSocket',
      'Connection: upgrade',
      'Set-Cookie: cardea=x',
    )}\x81\x03abc`,
    comes: `${lines(
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      'Set-Cookie: cardea=x',
    )}\x81\x03abc`,
    because: ['Hop-by-hop fields', 'Interim answers'],
  },
];

/** Answers when the request is whole, and in between where the case says so. */
function answering({ response, earlier = [], closes = false }: Case): typeof react {
  let said = 0;
  return (bytes, socket) => {
    const next = earlier[said];
    if (next !== undefined) {
      if (!bytes.endsWith(next[0])) return;
      said++;
      socket.write(next[1], 'latin1');
    } else if (isWhole(bytes)) {
      socket.write(response, 'latin1');
      if (closes) socket.end();
      react = () => {};
    }
  };
}

const documented = (): readonly string[] => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/sign-in.md'), 'utf8');
  const section = text.slice(text.indexOf('\n## No sign-in\n'));
  const table = section.slice(0, section.indexOf('\n## ', 5));
  return [...table.matchAll(/^\| ([A-Z][^|]*?) +\|/gm)].map(([, name = '']) => name).filter((name) => name !== 'What');
};

suite('a host where no app signs in', () => {
  for (const one of cases) {
    const { what, request, further = [], response } = one;
    const arrives = one.arrives ?? request;
    const comes = one.comes ?? response;
    const length = (all: string) => (back: string) => back.length >= all.length;

    test(`${what}: both sides get, without us, what the other has sent`, async () => {
      react = answering(one);
      const early = (one.earlier ?? []).map(([, text]) => text).join('');
      const { sent, back } = await exchange('direct', request, { further, done: length(early + response) });
      assert.equal(sent, request + further.map(([, text]) => text).join(''));
      assert.equal(back, early + response);
    });

    test(`${what}: and through us ${one.because === undefined ? 'the very same' : 'what the table says'}`, async () => {
      react = answering(one);
      const { sent, back } = await exchange('through', request, { further, done: length(comes) });
      assert.equal(sent, arrives);
      assert.equal(back, comes);
    });
  }

  test('every difference that is permitted is in the documentation, and every one there is shown here', () => {
    const shown = new Set(cases.flatMap(({ because = [] }) => because));
    assert.deepEqual([...documented()].toSorted(), [...shown].toSorted());
  });

  test('nobody is signed in, refused or sent away, also by a page of another site', () => {
    for (const kind of ['sign-in', 'sign-in-failed', 'refused']) assert.deepEqual(gateway.audit(kind), []);
  });

  /** On which connection to the app each of these requests came, which a client sends on one of its own. */
  async function connectionsOf(...requests: readonly string[]): Promise<readonly Socket[]> {
    const used: Socket[] = [];
    const ok = lines('HTTP/1.1 200 OK', 'Content-Length: 0');
    react = (_bytes, socket) => {
      used.push(socket);
      socket.write(ok);
    };
    const [first = '', ...more] = requests;
    await exchange('through', first, {
      further: more.map((request) => [ok, request]),
      done: (back) => back.length === requests.length * ok.length,
    });
    return used;
  }
  const ntlm = 'Authorization: NTLM TlRMTVNTUAABAAAA';

  test('the connection on which somebody proves who they are is theirs alone', async () => {
    const [first, second] = await connectionsOf(get(ntlm), get());
    assert.equal(first, second);
    assert.ok(!(await connectionsOf(get())).includes(first as Socket));
  });

  test('and nobody has one who brings requests of several people', async () => {
    const via = 'Via: 1.1 front';
    const used = await connectionsOf(get(ntlm, via), get(ntlm, via), get(via), get(via));
    assert.equal(new Set(used.slice(0, 3)).size, 3);
    assert.equal(used[2], used[3]);
  });
});

suite('an app without sign-in that shares host or upstream with one that has it', () => {
  const answered = { done: (back: string) => back.length >= noContent.length };
  const forApp = async (host: string, path: string, ...fields: readonly string[]): Promise<string> => {
    react = answering({ what: '', request: '', response: noContent });
    const { sent } = await exchange('through', lines(`GET ${path} HTTP/1.1`, `Host: ${host}`, ...fields), answered);
    return sent;
  };

  test("keeps our paths, and our session's cookie stays with us", async () => {
    const login = await send(`${gateway.origin}/auth/login`, { headers: { ...asBrowser, Host: 'mixed.corp.example' } });
    assert.equal(login.status, 200);
    assert.match(login.body, /<form method="post" action="\/auth\/login">/);
    assert.equal(
      await forApp('mixed.corp.example', '/viewer/', 'Cookie: a=b; cardea=secret; cardea-csrf=secret'),
      lines('GET /viewer/ HTTP/1.1', 'Host: mixed.corp.example', 'Cookie: a=b'),
    );
  });

  test('is told of nobody, whatever a client claims, nor of the client', async () => {
    const claims = [
      'X-Authenticated-User: CORP\\root',
      'x_authenticated.user: CORP\\root',
      'X-Forwarded-For: 10.0.0.1',
    ];
    assert.equal(
      await forApp('mixed.corp.example', '/viewer/', ...claims, 'Accept: */*'),
      lines('GET /viewer/ HTTP/1.1', 'Host: mixed.corp.example', 'Accept: */*'),
    );
  });

  for (const [i, name] of doors.entries())
    test(`is no back door to an app with sign-in behind the same upstream, by ${name}`, async () => {
      const { status, body } = await send(`${gateway.origin}/api/whoami`, {
        headers: { Host: `door${i}.corp.example`, 'X-Authenticated-User': 'CORP\\root' },
      });
      assert.equal(status, 200);
      assert.doesNotMatch(body, /root/);
    });

  test('is told of the client where the configuration says so', async () => {
    const sent = await forApp('told.corp.example', '/', 'X-Forwarded-For: 10.0.0.1', 'X-Request-Id: mine');
    assert.match(
      sent,
      /^GET \/ HTTP\/1\.1\r\nHost: told\.corp\.example\r\nX-Forwarded-For: 127\.0\.0\.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: told\.corp\.example\r\nX-Request-Id: [0-9a-f-]{36}\r\n\r\n$/,
    );
  });
});
