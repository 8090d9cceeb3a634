/**
 * Asks as Envoy does over gRPC, message by message. Real Envoys ask in test/lab/forward-auth.test.ts.
 *
 * @module
 */
import { type ChannelCredentials, Client, credentials, type ServiceError } from '@grpc/grpc-js';
import type { CheckResponse } from '../src/server/ext-authz-answer.ts';
import { serviceIn } from '../src/server/grpc-library.ts';
import type { CheckRequest } from '../src/wire/ext-authz-question.ts';

const { Check: check } = serviceIn('ext_authz.proto', 'envoy.service.auth.v3.Authorization');

export interface Asking {
  readonly method?: string;
  readonly host?: string;
  readonly fields?: readonly (readonly [name: string, value: string])[];
}

/** What Envoy says of a request, with `encode_raw_headers`. */
export function question(path: string, { method = 'GET', host = 'desk.corp.example', fields = [] }: Asking = {}) {
  const all = [
    [':method', method],
    [':path', path],
    [':authority', host],
    [':scheme', 'http'],
    ['x-forwarded-for', '192.0.2.7'],
    ['x-forwarded-proto', 'http'],
    ...fields,
  ] as const;
  const headers = all.map(([key, value]) => ({ key, rawValue: Buffer.from(value, 'latin1') }));
  return { attributes: { request: { http: { method, path, host, headerMap: { headers } } } } } satisfies CheckRequest;
}

export interface EnvoyLike {
  /** Rejects with a `ServiceError` when there is no answer. */
  ask(request: CheckRequest): Promise<CheckResponse>;
  close(): void;
}

/** A client on one connection to this address. */
export function envoyLike(address: string, by: ChannelCredentials = credentials.createInsecure()): EnvoyLike {
  // A channel of its own: others to this address would share a connection.
  const client = new Client(address, by, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.ssl_target_name_override': 'desk.corp.example',
  });
  if (check === undefined) throw new TypeError('There is no Check');
  const { path, requestSerialize, responseDeserialize } = check;
  return {
    ask: (request) =>
      new Promise((resolve, reject) =>
        client.makeUnaryRequest<CheckRequest, CheckResponse>(
          path,
          (message) => requestSerialize(message),
          (bytes) => responseDeserialize(bytes),
          request,
          { deadline: Date.now() + 20_000 },
          (error: ServiceError | null, answer) =>
            answer === undefined ? reject(error ?? new Error('There is no answer')) : resolve(answer),
        ),
      ),
    close: () => client.close(),
  };
}

/** What became of a question in a few words, for comparing. */
export function outcome({ okResponse, deniedResponse }: CheckResponse): readonly unknown[] {
  const user = okResponse?.headers.find(({ header }) => header.key === 'X-Authenticated-User')?.header.value;
  return okResponse === undefined ? [deniedResponse?.status.code] : [200, user];
}

/** The values under a name, in what the app gets or in what the client gets. */
export function given({ okResponse, deniedResponse }: CheckResponse, name: string, of: 'app' | 'client'): string[] {
  const options = of === 'app' ? okResponse?.headers : (okResponse?.responseHeadersToAdd ?? deniedResponse?.headers);
  return (options ?? [])
    .filter(({ header }) => header.key.toLowerCase() === name)
    .map(({ header }) => header.value ?? '');
}
