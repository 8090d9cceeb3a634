import type { Socket } from 'node:net';
import type { Deadlines } from './deadlines.ts';
import { type ProxyFault, ProxyReader } from './proxy-protocol.ts';

/** Why a connection was closed before the first byte of its own was looked at. */
export type ProxyRefusal = ProxyFault | 'peer-not-named' | 'nothing-came' | 'header-not-complete' | 'header-late';

export interface ProxiedConnection {
  readonly socket: Socket;
  readonly deadlines: Deadlines;
  readonly limitMs: number;
  /** Called instead of `admit` when no good header came in time: the connection is to be closed. */
  readonly refused: (reason: ProxyRefusal) => void;
  /** Called with the client's address; `undefined`: the peer speaks for itself. What came behind the header can be read again. */
  readonly admit: (address: string | undefined) => void;
}

/** Reads the PROXY protocol header with which a connection begins, and nothing behind it. */
export function readProxiedAddress({ socket, deadlines, limitMs, refused, admit }: ProxiedConnection): void {
  const reader = new ProxyReader();
  let begun = false;
  const due = deadlines.after(limitMs);
  const timed = { check: (now: number): unknown => now >= due && fail('header-late') };
  const done = (): void => {
    deadlines.timed.delete(timed);
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.off('close', done);
  };
  const fail = (reason: ProxyRefusal): void => {
    done();
    refused(reason);
  };
  const onData = (chunk: Buffer): void => {
    begun = true;
    const read = reader.push(chunk);
    if (read.kind === 'more') return;
    if (read.kind === 'malformed') return fail(read.reason);
    done();
    socket.pause();
    if (read.rest.length > 0) socket.unshift(read.rest);
    admit(read.header.kind === 'proxied' ? read.header.address : undefined);
  };
  const onEnd = (): void => fail(begun ? 'header-not-complete' : 'nothing-came');
  deadlines.timed.add(timed);
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('close', done);
}
