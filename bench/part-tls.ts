/**
 * TLS at the proxy's front: requests over connections that are kept, and connections that are made for one request.
 *
 * @module
 */
import { makeCertificate, opensslPath } from './certificate.ts';
import { compare } from './compare.ts';
import { nginxPath, startUpstream } from './nginx.ts';
import { missingPrograms } from './programs.ts';
import { cookieOf, type ProxyKind, remarksOnMissing, startProxies } from './proxies.ts';
import { reconnect } from './reconnect.ts';
import type { Part } from './surroundings.ts';
import { wrk, wrkPath } from './wrk.ts';

const kinds: readonly ProxyKind[] = ['nginx', 'nginxAsked', 'haproxy', 'cardea'];
const kept = 64;
const reconnecting = 8;

export const tlsPart: Part = {
  name: 'tls',
  summary: 'Proxied request over TLS, and full handshakes, beside nginx and HAProxy',
  missing: () => missingPrograms(nginxPath, wrkPath, opensslPath),
  async run(surroundings) {
    const { quick, folder, started } = surroundings;
    const files = folder();
    const tls = await makeCertificate(files);
    const upstream = await started(startUpstream(files));
    const proxies = await startProxies(kinds, { upstreamPort: upstream.port, tls }, surroundings);
    const cookie = await cookieOf(proxies);
    const seconds = quick ? 2 : 3;
    const requests = proxies.map(({ what, pid, origin }) => ({
      what,
      pid,
      load: () => wrk({ url: `${origin}/1k`, connections: kept, seconds, headers: [`Cookie: ${cookie}`] }),
    }));
    const handshakes = proxies.map(({ what, pid, port }) => ({
      what,
      pid,
      load: () => reconnect({ port, path: '/1k', cookie, connections: reconnecting, seconds: quick ? 1 : seconds }),
    }));
    const certificate = 'TLS at the front only, certificate on P-256.';
    return [
      {
        title: `Proxied request over TLS, 1 KB back, ${kept} connections`,
        unit: 'CPU µs per request',
        figures: await compare(requests, surroundings),
        remarks: [
          certificate,
          `Each contender on one core for ${seconds} s in each round; wrk and the upstream share the other.`,
          ...remarksOnMissing(kinds),
        ],
      },
      {
        title: `Full TLS 1.3 handshake and one request, ${reconnecting} connections at a time`,
        unit: 'CPU µs per connection',
        figures: await compare(handshakes, surroundings),
        remarks: [
          certificate,
          'Connection made, handshake without resumption, one request of 1 KB back, closed. The rate is what one client core can do.',
          ...remarksOnMissing(kinds),
        ],
      },
    ];
  },
};
