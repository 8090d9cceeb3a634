import { type Condition, ofPerson } from '../condition.ts';
import { groupRef, isMember } from '../subject.ts';

/** `groups: [a, b]`: members of one of these groups. An empty list is nobody. */
export const groupsCondition: Condition = {
  kind: 'groups',
  compile(rule) {
    const refs = rule.groups?.map(groupRef);
    return refs && ofPerson((subject) => refs.some((ref) => isMember(subject, ref)), 'in-group', 'not-in-group');
  },
};
