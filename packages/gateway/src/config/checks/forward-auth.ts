import { addressText } from '../values/address.ts';
import { type Check, error } from './check.ts';

/** Who may ask by forward-auth is one of the proxies that are trusted to tell of a request. */
export const checkForwardAuth: Check = ({ config, report }) => {
  const { forward_auth: askers, trusted_proxies: proxies } = config;
  if (askers === undefined || proxies === undefined || askers.length === 0) return;
  if (proxies.length === 0)
    report(
      error(
        ['forward_auth'],
        'nobody may ask: trusted_proxies names no proxy',
        'Add the address of the proxy, for example trusted_proxies: [127.0.0.1]',
      ),
    );
  // Each address for gRPC is asked by itself; all others share one path.
  const shared = [...askers.entries()].filter(([, { grpc }]) => grpc === undefined);
  const general = shared.findIndex(([, { from }]) => from === undefined);
  const behind = general === -1 ? undefined : shared[general + 1];
  if (behind !== undefined)
    report(
      error(
        ['forward_auth', behind[0]],
        'the entry before it is for all proxies already',
        'Say with from which proxies each entry is for.',
      ),
    );
  checkGrpc(askers, config, report);
};

type Askers = NonNullable<Parameters<Check>[0]['config']['forward_auth']>;

function checkGrpc(
  askers: Askers,
  { listen, admin }: Parameters<Check>[0]['config'],
  report: Parameters<Check>[0]['report'],
): void {
  const taken = new Set([
    ...(listen ?? []).map(({ address }) => addressText(address)),
    ...(admin === undefined || admin === false ? [] : [addressText(admin.address)]),
  ]);
  for (const [i, { proxy, grpc }] of askers.entries()) {
    if (grpc === undefined) continue;
    if (proxy !== 'envoy')
      report(error(['forward_auth', i, 'grpc'], `${proxy} does not ask by gRPC`, 'Remove grpc, or use proxy: envoy.'));
    const text = addressText(grpc.address);
    if (grpc.address.port !== 0 && taken.has(text))
      report(
        error(['forward_auth', i, 'grpc', 'address'], `${text} is in use for something else`, 'Choose another port.'),
      );
    taken.add(text);
  }
}
