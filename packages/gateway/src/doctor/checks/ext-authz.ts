import { isIP } from 'node:net';
import type { ChannelCredentials, ServiceError } from '@grpc/grpc-js';
import type { Config } from '../../config/schema.ts';
import { addressText } from '../../config/values/address.ts';
import { authorizationName } from '../../server/ext-authz-service.ts';
import { grpcLibrary, serviceIn } from '../../server/grpc-library.ts';
import { cidrMatcher } from '../../wire/cidr.ts';
import { type Check, type Env, fail, type Finding, pass, unknown } from '../check.ts';
import { tryConnect } from '../connect.ts';
import { isWildcard } from '../entrances.ts';

/** The listeners where an Envoy asks. */
export const extAuthz: Check = {
  id: 'ext-authz',
  title: 'The addresses where Envoy asks by gRPC answer',
  sides: ['gateway'],
  finds: {
    'grpc-answers':
      'an address in `forward_auth.grpc` takes no connection, or does not answer (`unknown`: this machine may not ask there, or has no certificate for it)',
  },
  run(env) {
    const askers = env.loaded.config.forward_auth.flatMap(({ grpc, from }) =>
      grpc === undefined ? [] : [{ grpc, from }],
    );
    return Promise.all(askers.map((asker) => judge(env, asker)));
  },
};

interface Asker {
  readonly grpc: NonNullable<Config['forward_auth'][number]['grpc']>;
  readonly from: readonly string[] | undefined;
}

/** Asks whether it serves, as Envoy's own health checks do; no question is asked about anybody. */
async function judge({ loaded, addresses, attemptMs }: Env, { grpc, from }: Asker): Promise<Finding> {
  const { address, tls } = grpc;
  const trusted = loaded.config.trusted_proxies;
  const [isTrusted, isOne] = [cidrMatcher(trusted), cidrMatcher(from ?? trusted)];
  const own = isWildcard(address.host)
    ? addresses.filter((one) => isIP(one) === (address.host === '::' ? 6 : 4))
    : [address.host === 'localhost' ? '127.0.0.1' : address.host];
  // Whoever connects to an address of this machine comes from the same one.
  const asking = own.find((one) => isTrusted(one) && isOne(one));
  const place = { host: asking ?? own[0] ?? '127.0.0.1', port: address.port };
  const about = {
    id: 'grpc-answers',
    about: addressText(address),
    tried: `a health check by gRPC at ${addressText(place)}`,
  };
  const reached = await tryConnect(place, attemptMs);
  if (reached.kind === 'closed')
    return fail({ ...about, seen: reached.why }, 'Start the gateway, or correct forward_auth.grpc.address.');
  if (asking === undefined)
    return unknown(
      { ...about, seen: 'it takes connections; this machine is none of those that may ask' },
      'Ask the Envoy that may: its counter ext_authz.error says how often there was no answer.',
    );
  if (tls?.client_ca !== undefined)
    return unknown(
      { ...about, seen: 'it takes connections; it wants a certificate that doctor does not have' },
      'Ask the Envoy that has one: its counter ext_authz.error says how often there was no answer.',
    );
  const answer = await health(place, tls === undefined ? 'plain' : 'tls', attemptMs);
  if (answer === 'serving') return pass({ ...about, seen: 'it serves' });
  return fail(
    { ...about, seen: answer },
    'See whether another program has this port, and what the log of the gateway says.',
  );
}

/** `serving`, or in words what was there instead. */
function health(
  place: { readonly host: string; readonly port: number },
  by: 'plain' | 'tls',
  limitMs: number,
): Promise<string> {
  const { Client, credentials } = grpcLibrary();
  // Whether Envoy takes its certificate is for Envoy to say: it may know another authority, and another name.
  const over: ChannelCredentials =
    by === 'plain'
      ? credentials.createInsecure()
      : credentials.createSsl(null, null, null, { checkServerIdentity: () => undefined, rejectUnauthorized: false });
  const check = serviceIn('health.proto', 'grpc.health.v1.Health')['Check'];
  if (check === undefined) throw new TypeError('Cannot find the question of health checks');
  const client = new Client(addressText(place), over, {
    'grpc.enable_retries': 0,
    'grpc.use_local_subchannel_pool': 1,
    // An IP address is no name for TLS (RFC 6066, 3), and the library does not leave it out by itself.
    'grpc.ssl_target_name_override': 'localhost',
  });
  return new Promise((resolve) => {
    client.makeUnaryRequest<object, { readonly status?: number | string }>(
      check.path,
      (message) => check.requestSerialize(message),
      (bytes) => check.responseDeserialize(bytes),
      { service: authorizationName },
      { deadline: Date.now() + limitMs },
      (error: ServiceError | null, answer) => {
        client.close();
        if (error !== null) resolve(`no answer by gRPC (${error.code})`);
        else resolve(isServing(answer?.status) ? 'serving' : 'it does not serve: it is ending, or something else');
      },
    );
  });
}

/** `SERVING` of grpc.health.v1, as a number or by its name. */
const isServing = (status: number | string | undefined): boolean => status === 1 || status === 'SERVING';
