import { addressText, isLoopback } from '../values/address.ts';
import { type Check, error, warning } from './check.ts';

/** Addresses: nothing secret in plain text, no address twice. */
export const checkListeners: Check = ({ config, report }) => {
  const { listen, admin, trusted_proxies: proxies, session } = config;
  const taken = new Set<string>();
  for (const [i, listener] of (listen ?? []).entries()) {
    const { address, tls, dangerously_plain_http: plain } = listener;
    const at = ['listen', i];
    const text = addressText(address);
    if (address.port !== 0 && taken.has(text))
      report(error([...at, 'address'], `${text} is already in the list`, 'Keep it once.'));
    taken.add(text);
    if (tls !== undefined && plain)
      report(error([...at, 'dangerously_plain_http'], 'this address has TLS', 'Remove dangerously_plain_http.'));
    if (tls === undefined && !plain && listener.proxy_protocol !== undefined) {
      // The client counts as the peer, and only peers that end TLS for us may speak without it.
      report(
        error(
          [...at, 'proxy_protocol'],
          'without TLS the requests of the clients that it names would all be refused',
          'Add tls: { cert, key } and let the load balancer pass TLS through. If TLS ends there: remove proxy_protocol, let it send X-Forwarded-For and X-Forwarded-Proto, and name its address in trusted_proxies.',
        ),
      );
      continue;
    }
    if (tls !== undefined || plain || isLoopback(address.host) || proxies === undefined || proxies.length > 0) continue;
    report(
      error(
        [...at, 'address'],
        `${text} can be reached by others and has no TLS`,
        'Add tls: { cert, key }; or listen on 127.0.0.1; or, behind a TLS terminator, name its address in trusted_proxies.',
      ),
    );
  }

  if (admin !== undefined && admin !== false) {
    const text = addressText(admin.address);
    if (admin.address.port !== 0 && taken.has(text))
      report(error(['admin', 'address'], `${text} is also in listen`, 'Choose another port.'));
    if (!isLoopback(admin.address.host))
      report(
        warning(
          ['admin', 'address'],
          `${text} can be reached by others, and asks nobody to sign in`,
          'Use 127.0.0.1, or let a firewall or NetworkPolicy admit the monitoring alone.',
        ),
      );
  }

  const encrypted = (listen ?? []).some(({ tls }) => tls !== undefined) || (proxies ?? []).length > 0;
  if (session?.cookie.same_site === 'none' && listen !== undefined && proxies !== undefined && !encrypted)
    report(
      error(
        ['session', 'cookie', 'same_site'],
        'browsers take SameSite=None only with Secure, that is, with TLS',
        'Add tls to listen, or use lax.',
      ),
    );
};
