import type { Socket } from 'node:net';
import type { Deadlines } from './deadlines.ts';
import { ProxyReader } from './proxy-protocol.ts';

export interface ProxiedConnection {
  readonly socket: Socket;
  readonly deadlines: Deadlines;
  /** Over it the connection is closed. */
  readonly limitMs: number;
  /** Called with the client's address; `undefined`: the peer speaks for itself. What came behind the header can be read again. */
  readonly admit: (address: string | undefined) => void;
}

/** Reads the PROXY protocol header with which a connection begins, and nothing behind it. Without a good one it is closed. */
export function readProxiedAddress({ socket, deadlines, limitMs, admit }: ProxiedConnection): void {
  const reader = new ProxyReader();
  const due = deadlines.after(limitMs);
  const timed = { check: (now: number): unknown => now >= due && socket.destroy() };
  const done = (): void => {
    deadlines.timed.delete(timed);
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.off('close', done);
  };
  const onData = (chunk: Buffer): void => {
    const read = reader.push(chunk);
    if (read.kind === 'more') return;
    done();
    if (read.kind === 'malformed') return void socket.destroy();
    socket.pause();
    if (read.rest.length > 0) socket.unshift(read.rest);
    admit(read.header.kind === 'proxied' ? read.header.address : undefined);
  };
  const onEnd = (): void => void socket.destroy();
  deadlines.timed.add(timed);
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('close', done);
}
