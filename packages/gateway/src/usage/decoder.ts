import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress, constants } from 'node:zlib';

/** Takes the content coding off a copy of a body, in another thread. */
export interface BodyDecoder {
  push(bytes: Uint8Array): void;
  /** Resolves when all that was pushed is decoded, with what has kept some of it from that. Never rejects. */
  end(): Promise<DecoderFault | undefined>;
}

export type DecoderFault = 'encoding' | 'too-long';

/** Bytes that wait to be decoded: more than this, and the body comes faster than it can be read. */
const maxWaiting = 1024 * 1024;
/** Bytes that come out. A small body that becomes a huge one is somebody's trick. */
const maxDecoded = 256 * 1024 * 1024;

const decoders: Readonly<Record<string, () => Transform>> = {
  // What is there is wanted at once, also of a body that is cut off.
  gzip: () => createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }),
  deflate: () => createInflate({ finishFlush: constants.Z_SYNC_FLUSH }),
  br: () => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => createZstdDecompress({ finishFlush: constants.ZSTD_e_flush }),
};

/** A decoder for one content coding (RFC 9110, 8.4.1); `undefined` for others, and for several on top of each other. */
export function bodyDecoder(coding: string, onBytes: (bytes: Uint8Array) => void): BodyDecoder | undefined {
  const name = coding === 'x-gzip' ? 'gzip' : coding;
  const make = Object.hasOwn(decoders, name) ? decoders[name] : undefined;
  if (make === undefined) return undefined;
  const stream = make();
  const { promise, resolve } = Promise.withResolvers<DecoderFault | undefined>();
  let decoded = 0;
  const giveUp = (fault: DecoderFault): void => {
    resolve(fault);
    stream.destroy();
  };
  stream.on('data', (bytes: Buffer) => {
    decoded += bytes.length;
    if (decoded > maxDecoded) return giveUp('too-long');
    onBytes(bytes);
  });
  stream.once('end', () => resolve(undefined));
  stream.once('error', () => giveUp('encoding'));
  return {
    push(bytes) {
      if (stream.destroyed || stream.writableEnded) return;
      if (stream.writableLength + bytes.length > maxWaiting) return giveUp('too-long');
      stream.write(Buffer.from(bytes)); // the caller uses its memory again
    },
    end() {
      if (!stream.destroyed && !stream.writableEnded) stream.end();
      return promise;
    },
  };
}
