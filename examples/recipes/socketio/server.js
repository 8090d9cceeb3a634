// A chat whose server knows who says what. Nothing in it signs anybody in.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Server } from 'socket.io';

const { CARDEA_JWKS, CARDEA_AUDIENCE, PORT = '3000' } = process.env;
const keys = createRemoteJWKSet(new URL(CARDEA_JWKS));

/** What Cardea says: enough where only Cardea can reach the app. Anything but ASCII comes percent-encoded. */
const userOf = (request) => decodeURIComponent(request.headers['x-authenticated-user'] ?? 'nobody');

/** The same, proven by Cardea's signature: for apps that do not trust their network. */
async function proven(request) {
  const { payload } = await jwtVerify(request.headers['x-cardea-assertion'] ?? '', keys, {
    algorithms: ['ES256'],
    typ: 'cardea-assertion+jwt',
    issuer: 'cardea',
    audience: CARDEA_AUDIENCE,
    clockTolerance: 30,
    requiredClaims: ['exp', 'iat', 'sub'],
  });
  return payload;
}

const page = await readFile(new URL('public/index.html', import.meta.url));
const http = createServer((_request, response) => response.setHeader('Content-Type', 'text/html').end(page));
const io = new Server(http);

// Socket.IO begins with ordinary requests and changes to a WebSocket: each of them is looked at here, and what one person has
// begun is not gone on with by another, who may have signed in to the same browser meanwhile.
const begunBy = new Map();
io.engine.use(async (request, _response, next) => {
  try {
    request.person = await proven(request);
    const id = request._query.sid;
    next(id === undefined || begunBy.get(id) === request.person.sub ? undefined : new Error('another person'));
  } catch (error) {
    next(error);
  }
});
io.engine.on('connection', (connection) => {
  begunBy.set(connection.id, connection.request.person.sub);
  connection.once('close', () => begunBy.delete(connection.id));
});

io.on('connection', (socket) => {
  const user = userOf(socket.request);
  socket.emit('who', { user, proven: socket.request.person.account });
  socket.on('say', (text) => io.emit('said', { user, text: String(text).slice(0, 500) }));
});

http.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${http.address().port}`));
