/**
 * Attempts at other programs: a connection, a TLS handshake, one HTTP request. Each ends in time.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, rootCertificates, type TLSSocket } from 'node:tls';
import { reasonOf } from './check.ts';

/** Where a program listens. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

export type Connected = { readonly kind: 'open' } | { readonly kind: 'closed'; readonly why: string };

/** Whether something takes a connection there. Nothing is sent. */
export async function tryConnect(place: Place, timeoutMs: number): Promise<Connected> {
  const { promise, resolve } = Promise.withResolvers<Connected>();
  const socket = connectTcp({ ...place });
  const end = (result: Connected): void => {
    socket.destroy();
    resolve(result);
  };
  const timer = setTimeout(() => end({ kind: 'closed', why: 'there was no answer in time' }), timeoutMs);
  socket.on('connect', () => end({ kind: 'open' }));
  socket.on('error', (error) => end({ kind: 'closed', why: reasonOf(error) }));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** What a TLS server has shown. */
export interface Handshake {
  readonly protocol: string;
  readonly certificate: X509Certificate | undefined;
  /** What is wrong with the chain, in OpenSSL's word; `undefined`: it leads to an authority that is trusted here. */
  readonly chainFault: string | undefined;
}

/** Finishes a TLS handshake, whatever the certificate is. Rejects when there is none to be had. */
export async function handshake(
  place: Place,
  options: ConnectionOptions & { readonly moreCa?: string | undefined },
  timeoutMs: number,
): Promise<Handshake> {
  const { moreCa, ...rest } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Handshake>();
  const socket: TLSSocket = connectTls({
    ...place,
    rejectUnauthorized: false,
    // Whether the name fits is judged by itself.
    checkServerIdentity: () => undefined,
    ...(moreCa === undefined ? {} : { ca: [...rootCertificates, moreCa] }),
    ...rest,
  });
  const timer = setTimeout(() => socket.destroy(new Error('there was no answer in time')), timeoutMs);
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('the connection was cut')));
  socket.on('secureConnect', () => {
    const error: unknown = socket.authorizationError;
    resolve({
      protocol: socket.getProtocol() ?? 'unknown',
      certificate: socket.getPeerX509Certificate(),
      chainFault: socket.authorized ? undefined : error instanceof Error ? reasonOf(error) : String(error),
    });
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

export interface Exchange {
  /** Where to connect to. */
  readonly place: Place;
  /** The address as browsers have it: scheme, `Host`, path. */
  readonly url: URL;
  /** Alternating names and values, beside `Host`. */
  readonly fields?: readonly string[];
  readonly method?: string;
  readonly body?: string;
}

export interface Answered {
  readonly status: number;
  /** Alternating names and values. */
  readonly fields: readonly string[];
  readonly body: string;
  /** From where we have spoken. */
  readonly from: string;
  /** What came first through a connection that was upgraded. */
  readonly upgraded: string | undefined;
}

/** Of an answer, no more is read. */
const longestBody = 256 * 1024;

/** One HTTP request with exactly these fields. Follows no redirect; takes any certificate: that one is judged elsewhere. */
export async function exchange(
  { place, url, fields = [], method = 'GET', body }: Exchange,
  timeoutMs: number,
): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const secure = url.protocol === 'https:';
  const name = url.hostname.replace(/^\[|\]$/g, '');
  const request = (secure ? httpsRequest : httpRequest)({
    host: place.host,
    port: place.port,
    method,
    path: `${url.pathname}${url.search}`,
    agent: false,
    headers: ['Host', url.host, ...fields, ...(fields.includes('Upgrade') ? [] : ['Connection', 'close'])],
    ...(secure ? { rejectUnauthorized: false, servername: isIP(name) === 0 ? name : '' } : {}),
  });
  const timer = setTimeout(() => request.destroy(new Error('there was no answer in time')), timeoutMs);
  let from = '';
  request.on('socket', (socket: Socket) => socket.on('connect', () => (from = socket.localAddress ?? '')));
  request.on('error', reject);
  request.on('response', (response) => {
    const answer = { status: response.statusCode ?? 0, fields: response.rawHeaders, upgraded: undefined };
    read(response).then((text) => resolve({ ...answer, from, body: text }), reject);
  });
  request.on('upgrade', (response, socket, head) => {
    const answer = { status: response.statusCode ?? 0, fields: response.rawHeaders, body: '' };
    let text = head.toString('latin1');
    const done = (): void => {
      socket.destroy();
      resolve({ ...answer, from, upgraded: text });
    };
    if (text.length > 0) done();
    else {
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
        done();
      });
      socket.on('error', done).on('close', done);
    }
  });
  request.end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    request.destroy();
  }
}

async function read(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('latin1')) {
    text += String(chunk);
    if (text.length > longestBody) break;
  }
  return text;
}

/** The values of a field, by its name in lower case. */
export function valuesOf(fields: readonly string[], lowerName: string): string[] {
  return fields.filter((_, i) => i % 2 === 1 && fields[i - 1]?.toLowerCase() === lowerName);
}
