import type { TestContext } from 'node:test';
import { healthService } from './ext-authz-service.ts';
import { type GrpcListener, type GrpcListenerOptions, openGrpcListener } from './grpc-listener.ts';

/** A real listener on a free loopback port, with the health service unless the options say otherwise; closed at the end of the test. */
export async function grpcForTest(t: TestContext, options: Partial<GrpcListenerOptions> = {}): Promise<GrpcListener> {
  const listener = await openGrpcListener({
    host: '127.0.0.1',
    port: 0,
    isPeer: () => true,
    onStranger: () => {},
    onRefused: () => {},
    services: [healthService(() => true)],
    ...options,
  });
  t.after(() => listener.drain(0));
  return listener;
}
