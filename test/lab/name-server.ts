/**
 * A small DNS server (RFC 1035) for tests: it answers what it was told to, over UDP on loopback.
 *
 * @module
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export interface NameServer {
  /** `127.0.0.1:5353`. */
  readonly address: string;
  /** Adds or replaces an answer. Nobody else's name is known. */
  set(name: string, type: 'A' | 'CNAME' | 'PTR', value: string): void;
  /** Takes all answers about a name away. */
  forget(name: string): void;
  close(): Promise<void>;
}

const types = { A: 1, CNAME: 5, PTR: 12 } as const;

/** Starts one. */
export async function startNameServer(): Promise<NameServer> {
  const known = new Map<string, { readonly type: keyof typeof types; readonly value: string }>();
  const socket = createSocket('udp4');
  socket.on('message', (message, { address, port }) => {
    const { name, type, end } = questionOf(message);
    const answers: Buffer[] = [];
    // An alias is followed, as resolvers expect of a server that knows both.
    for (let next: string | undefined = name, i = 0; next !== undefined && i < 8; i++) {
      const found = known.get(next);
      const isAlias = found?.type === 'CNAME';
      if (found !== undefined && (isAlias || types[found.type] === type)) answers.push(record(next, found));
      next = isAlias && type !== types.CNAME ? found.value : undefined;
    }
    const head = Buffer.from(message.subarray(0, 12));
    head.writeUInt16BE(known.has(name) ? 0x8580 : 0x8583, 2); // an answer with authority; 3: no such name
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(answers.length, 6);
    head.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([head, message.subarray(12, end), ...answers]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    set: (name, type, value) => void known.set(name, { type, value }),
    forget: (name) => void known.delete(name),
    close: async () => {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

function questionOf(message: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

const encoded = (name: string): Buffer =>
  Buffer.concat([...name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.of(0)]);

function record(name: string, { type, value }: { readonly type: keyof typeof types; readonly value: string }): Buffer {
  const data = type === 'A' ? Buffer.from(value.split('.').map(Number)) : encoded(value);
  const rest = Buffer.alloc(10);
  rest.writeUInt16BE(types[type], 0);
  rest.writeUInt16BE(1, 2);
  rest.writeUInt32BE(1, 4);
  rest.writeUInt16BE(data.length, 8);
  return Buffer.concat([encoded(name), rest, data]);
}
