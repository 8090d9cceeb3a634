/**
 * The least that `node:http` can do, to tell what Cardea adds: `node bench/bare-node.ts` answers by itself,
 * `node bench/bare-node.ts UPSTREAM-PORT` is a proxy. Prints its own port.
 *
 * @module
 */
import { Agent, createServer, request } from 'node:http';

const port = Number(process.argv[2] ?? 0);
const agent = new Agent({ keepAlive: true });

const server = createServer({ maxHeaderSize: 65_536 }, (incoming, response) => {
  if (port === 0) {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 6 });
    response.end('hello\n');
    return;
  }
  const { method, url, headers } = incoming;
  const outgoing = request({ host: '127.0.0.1', port, method, path: url, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  incoming.pipe(outgoing);
}).listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') console.log(address.port);
});
process.once('SIGTERM', () => process.exit()); // so that a profile is written
