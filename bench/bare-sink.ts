/**
 * An upstream that reads each body to its end before it answers: `node bench/bare-sink.ts`. Prints its own port.
 *
 * @module
 */
import { createServer } from 'node:http';

const server = createServer((incoming, response) => {
  incoming.resume();
  incoming.once('end', () => {
    response.writeHead(204);
    response.end();
  });
}).listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') console.log(address.port);
});
