import { parseCidr } from '../../wire/cidr.ts';
import { type Env, fail, type Finding, pass } from '../check.ts';

/** Networks that are believed about others: none of them has nearly everybody in it. */
export function judgeNetworks({ loaded: { config } }: Env): readonly Finding[] {
  const lists = [
    { about: 'trusted_proxies', networks: config.trusted_proxies },
    ...config.listen.flatMap(({ proxy_protocol: proxied }, i) =>
      proxied === undefined ? [] : [{ about: `listen[${i}].proxy_protocol.from`, networks: proxied.from }],
    ),
    ...config.sign_in.flatMap(({ trusted_header: trusted }, i) =>
      trusted === undefined ? [] : [{ about: `sign_in[${i}].trusted_header.from`, networks: trusted.from }],
    ),
  ];
  return lists
    .filter(({ networks }) => networks.length > 0)
    .map(({ about, networks }) => {
      const wide = networks.filter(isWide);
      const seen = { id: 'trust-too-wide', about, tried: `the size of ${networks.join(', ')}` };
      if (wide.length === 0) return pass({ ...seen, seen: 'none is wider than a network of proxies is' });
      return fail(
        { ...seen, seen: `${wide.join(', ')} has everybody of a company in it, or more` },
        'Name the addresses of the proxies, and nothing more.',
      );
    });
}

/** Wider than any network of proxies: those that container platforms give to all their pods are /14 and /16. Loopback is this machine. */
export function isWide(text: string): boolean {
  const parsed = parseCidr(text);
  if (parsed.kind === 'wrong') return false;
  const { network, prefix } = parsed.cidr;
  if (network.length === 4) return prefix < 12 && network[0] !== 127;
  return prefix < 32;
}
