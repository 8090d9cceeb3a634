/**
 * The libraries for gRPC, which come with their first use: they take 50 ms and tens of megabytes in each thread, and most gateways
 * never need them.
 *
 * @module
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as GrpcJs from '@grpc/grpc-js';
import type * as ProtoLoader from '@grpc/proto-loader';

const load = createRequire(import.meta.url);

/** `@grpc/grpc-js`. */
export function grpcLibrary(): typeof GrpcJs {
  return load('@grpc/grpc-js');
}

/** A service of a file in `protos/`. Fields that a message does not have are absent. */
export function serviceIn(file: string, name: string): GrpcJs.ServiceDefinition {
  const loader: typeof ProtoLoader = load('@grpc/proto-loader');
  const path = fileURLToPath(new URL(`../../protos/${file}`, import.meta.url));
  const found = loader.loadSync(path, { defaults: false })[name];
  if (found === undefined || isMessage(found)) throw new TypeError(`Cannot find the service ${name} in ${file}`);
  return found;
}

type Defined = ProtoLoader.AnyDefinition;

const isMessage = (one: Defined): one is Exclude<Defined, ProtoLoader.ServiceDefinition> => 'format' in one;
