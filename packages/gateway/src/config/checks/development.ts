import { addressText, isLoopback } from '../values/address.ts';
import type { Config } from '../schema.ts';
import { type Check, error, warning, wellFormedApps } from './check.ts';

/** The development identity stays on this machine: nobody from elsewhere can reach it, and nothing that is meant for production has it. */
export const checkDevelopment: Check = ({ config, production = false, report }) => {
  const entries: Config['sign_in'] = config.sign_in ?? [];
  for (const [i, { development }] of entries.entries()) {
    if (development === undefined) continue;
    const at = ['sign_in', i, 'development'];
    if (production)
      report(
        error(
          at,
          'a development identity signs in everybody without any proof',
          'Remove it, and sign people in by a method that asks who they are.',
        ),
      );
    else
      report(
        warning(
          at,
          'everybody on this machine is signed in without any proof',
          'Remove it before anybody else is to use this.',
        ),
      );
    for (const [k, { address, proxy_protocol: proxied }] of (config.listen ?? []).entries()) {
      if (!isLoopback(address.host))
        report(
          error(
            ['listen', k, 'address'],
            `${addressText(address)} can be reached by others, and there is a development identity`,
            'Listen on 127.0.0.1, or remove development from sign_in.',
          ),
        );
      if (proxied !== undefined)
        report(
          error(
            ['listen', k, 'proxy_protocol'],
            'a load balancer speaks for others, and there is a development identity',
            'Remove one of the two.',
          ),
        );
    }
    if ((config.trusted_proxies ?? []).length > 0)
      report(
        error(
          ['trusted_proxies'],
          'a proxy speaks for others, and there is a development identity',
          'Remove one of the two.',
        ),
      );
    // A page of another site can have its own name point to 127.0.0.1 (DNS rebinding): only by the name are requests told apart.
    for (const { app, at: place } of wellFormedApps(config))
      for (const [k, host] of app.host.entries())
        if (host === '*')
          report(
            error(
              [...place, 'host', k],
              '"*" stands for any host, and there is a development identity: pages of other sites could use it',
              'Write localhost, or the name that you use.',
            ),
          );
  }
};
