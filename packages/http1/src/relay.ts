import { FrameTracker } from './websocket-frames.ts';

/** Where bytes go: a socket. False asks to wait for its `drain`. */
export interface Sink {
  write(chunk: Buffer): boolean;
}

/**
 * One direction of a tunnel: what comes from one socket goes to the other one, unchanged. It can be told to put a Close
 * frame behind the frame in progress; what comes after that is read and dropped.
 */
export class Relay {
  /** Bytes passed on. */
  bytes = 0;
  readonly #sink: Sink;
  readonly #frames = new FrameTracker();
  /** The Close that waits for the end of a frame. */
  #waiting: Buffer | undefined;
  /** A Close of ours has gone out. */
  #cut = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** The source has sent a whole Close frame, passed on or not. */
  get sourceClosed(): boolean {
    return this.#frames.closed;
  }

  /** The sink has been given a Close, the source's or ours. */
  get sinkClosed(): boolean {
    return this.#cut || (this.#frames.closed && this.#waiting === undefined);
  }

  /** Takes what the source has sent. False: the sink is full, and no more is to be read until it has drained. */
  push(chunk: Buffer): boolean {
    if (this.#cut) {
      this.#frames.push(chunk);
      return true;
    }
    if (this.#waiting !== undefined) return this.#pushUpToClose(chunk, this.#waiting);
    this.#frames.push(chunk);
    return this.#pass(chunk);
  }

  /** Puts this frame between two frames as soon as possible, unless the source's own Close has gone by or does so first. */
  close(frame: Buffer): void {
    if (this.#cut || this.#waiting !== undefined || this.#frames.closed) return;
    if (this.#frames.betweenFrames) this.#put(frame);
    else this.#waiting = frame;
  }

  #pushUpToClose(chunk: Buffer, frame: Buffer): boolean {
    const end = this.#frames.pushToBoundary(chunk);
    const room = this.#pass(chunk.subarray(0, end));
    if (!this.#frames.betweenFrames) return room;
    this.#waiting = undefined;
    // The frame in progress was the source's own Close: a second one would break the protocol.
    if (this.#frames.closed) this.#cut = true;
    else this.#put(frame);
    this.#frames.push(chunk.subarray(end));
    return true;
  }

  #put(frame: Buffer): void {
    this.#cut = true;
    this.#sink.write(frame);
  }

  #pass(chunk: Buffer): boolean {
    this.bytes += chunk.length;
    return this.#sink.write(chunk);
  }
}
