import { cidrMatcher } from '../../wire/cidr.ts';
import { type Condition, predicateOf } from '../condition.ts';

/** `networks: [10.0.0.0/8]`: clients with an address in one of these networks. An empty list is nobody. */
export const networksCondition: Condition = {
  kind: 'networks',
  compile({ networks }) {
    if (networks === undefined) return undefined;
    const inside = cidrMatcher(networks);
    return predicateOf((_subject, { address }) => inside(address), 'in-network', 'outside-network');
  },
};
