import type { Credentials } from './authenticator.ts';

/** What a request without any credential carries, with what a test says about it. */
export function credentials(particulars: Partial<Credentials> = {}): Credentials {
  return {
    authorization: undefined,
    fields: [],
    streamToken: undefined,
    connection: { remoteAddress: '127.0.0.1', tls: true, certificateHash: undefined, memory: new Map() },
    address: '127.0.0.1',
    app: 'desk',
    method: 'GET',
    path: '/',
    now: 0,
    ...particulars,
  };
}
