/**
 * The two services that an Envoy may call: its question, and whether there is somebody to ask.
 *
 * @module
 */
import type { handleUnaryCall } from '@grpc/grpc-js';
import type { CheckRequest } from '../wire/ext-authz-question.ts';
import type { Connection } from '../wire/http.ts';
import type { ExtAuthz } from './ext-authz.ts';
import type { CheckResponse } from './ext-authz-answer.ts';
import { grpcLibrary, serviceIn } from './grpc-library.ts';
import type { GrpcService } from './grpc-listener.ts';

export interface ExtAuthzServiceParts {
  readonly extAuthz: ExtAuthz;
  readonly onTrouble: (message: string, error: unknown) => void;
  /** No answer takes longer, whatever Envoy would wait for. */
  readonly longestMs?: number;
}

/** `envoy.service.auth.v3.Authorization`. */
export function authorizationService({ extAuthz, onTrouble, longestMs = 15_000 }: ExtAuthzServiceParts): GrpcService {
  const { status } = grpcLibrary();
  const check: handleUnaryCall<CheckRequest, CheckResponse> = (call, callback) => {
    let late: NodeJS.Timeout | undefined;
    let answered = false;
    const answer: typeof callback = (error, found) => {
      if (answered) return;
      answered = true;
      clearTimeout(late);
      callback(error, found);
    };
    const fail = (error: unknown): void => {
      onTrouble('Cannot answer a question of Envoy', error);
      answer({ code: status.INTERNAL, details: 'The question cannot be answered' });
    };
    try {
      const found = extAuthz.check(call.request, connectionOf(call.getPeer()));
      if (!(found instanceof Promise)) return answer(null, found);
      late = setTimeout(
        () => answer({ code: status.DEADLINE_EXCEEDED, details: 'The answer takes too long' }),
        longestMs,
      );
      found.then((settled) => answer(null, settled)).catch(fail);
    } catch (error) {
      fail(error);
    }
  };
  return { definition: serviceIn('ext_authz.proto', authorizationName), implementation: { Check: check } };
}

/** The service that Envoy asks. */
export const authorizationName = 'envoy.service.auth.v3.Authorization';

/** `grpc.health.v1.Health`: for the process, and for the service above by its name. */
export function healthService(isServing: () => boolean): GrpcService {
  const { status } = grpcLibrary();
  const check: handleUnaryCall<{ readonly service?: string }, { readonly status: number }> = (call, callback) => {
    const { service = '' } = call.request;
    if (service !== '' && service !== authorizationName)
      return callback({ code: status.NOT_FOUND, details: 'There is no such service' });
    callback(null, { status: isServing() ? serving : notServing });
  };
  return { definition: serviceIn('health.proto', 'grpc.health.v1.Health'), implementation: { Check: check } };
}

const serving = 1;
const notServing = 2;

/** `127.0.0.1:40001`, `[::1]:40001`, also without the brackets: what is before the last colon. */
function connectionOf(peer: string): Connection {
  const address = peer.slice(0, peer.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return {
    remoteAddress: address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, ''),
    tls: false,
    certificateHash: undefined,
    memory: new Map(),
  };
}
