/**
 * What time it is for a Kerberos KDC. It says so in every error (RFC 4120, 5.9.1), and an AS-REQ for somebody who does not exist
 * always gets one.
 *
 * @module
 */
import { connect } from 'node:net';
import { DerReader, Tag } from '@cardea/kerberos';

const tlv = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const length =
    body.length < 0x80
      ? Buffer.of(body.length)
      : body.length < 0x100
        ? Buffer.of(0x81, body.length)
        : Buffer.of(0x82, body.length >> 8, body.length & 0xff);
  return Buffer.concat([Buffer.of(tag), length, body]);
};
const field = (n: number, content: Uint8Array): Buffer => tlv(0xa0 | n, content);
const integer = (n: number): Buffer => tlv(Tag.integer, Buffer.of(n));
const string = (text: string): Buffer => tlv(Tag.generalString, Buffer.from(text));
const name = (type: number, ...parts: readonly string[]): Buffer =>
  tlv(Tag.sequence, field(0, integer(type)), field(1, tlv(Tag.sequence, ...parts.map(string))));

/** An AS-REQ (RFC 4120, 5.4.1) of nobody, for a ticket-granting ticket that is not to be had. */
export function asReq(realm: string): Buffer {
  const body = tlv(
    Tag.sequence,
    field(0, tlv(Tag.bitString, Buffer.of(0, 0, 0, 0, 0))),
    field(1, name(1, 'cardea-doctor')),
    field(2, string(realm)),
    field(3, name(2, 'krbtgt', realm)),
    field(5, tlv(Tag.generalizedTime, Buffer.from('20371231235959Z'))),
    field(7, tlv(Tag.integer, Buffer.of(0x2a))),
    field(8, tlv(Tag.sequence, integer(18), integer(17))),
  );
  return tlv(0x6a, tlv(Tag.sequence, field(1, integer(5)), field(2, integer(10)), field(4, body)));
}

/** `stime` of a KRB-ERROR in milliseconds since the epoch; `undefined` for anything else. */
export function serverTimeOf(answer: Uint8Array): number | undefined {
  try {
    return DerReader.decode(answer, (der) =>
      der.enter(0x7e, (message) =>
        message.enter(Tag.sequence, (error) => {
          let time: number | undefined;
          for (let tag = error.peek(); tag !== undefined; tag = error.peek()) {
            if (tag !== 0xa4) {
              error.contents(tag);
              continue;
            }
            time = error.enter(tag, (value) =>
              timeOf(Buffer.from(value.contents(Tag.generalizedTime)).toString('latin1')),
            );
          }
          return time;
        }),
      ),
    );
  } catch {
    return undefined;
  }
}

function timeOf(text: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z$/.exec(text);
  if (parts === null) return undefined;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The clock of a KDC, asked over TCP (RFC 4120, 7.2.2). Rejects when there is no answer; `undefined`: one that says no time. */
export async function kdcTime(host: string, realm: string, timeoutMs: number, port = 88): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const socket = connect({ host, port });
  const timer = setTimeout(() => socket.destroy(new Error('there was no answer in time')), timeoutMs);
  const chunks: Buffer[] = [];
  socket.on('connect', () => {
    const request = asReq(realm);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(request.length);
    socket.write(Buffer.concat([length, request]));
  });
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    const all = Buffer.concat(chunks);
    if (all.length >= 4 && all.length >= 4 + all.readUInt32BE())
      resolve(serverTimeOf(all.subarray(4, 4 + all.readUInt32BE())));
    else if (all.length > 64 * 1024) resolve(undefined);
  });
  socket.on('error', reject);
  socket.on('close', () => resolve(undefined));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
