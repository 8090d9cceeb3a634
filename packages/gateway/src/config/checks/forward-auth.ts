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
  const general = askers.findIndex(({ from }) => from === undefined);
  if (general !== -1 && general < askers.length - 1)
    report(
      error(
        ['forward_auth', general + 1],
        'the entry before it is for all proxies already',
        'Say with from which proxies each entry is for.',
      ),
    );
};
