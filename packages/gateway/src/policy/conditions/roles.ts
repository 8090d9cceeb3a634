import { type Condition, ofPerson } from '../condition.ts';

/** `roles: [a, b]`: whoever has one of these roles. An empty list is nobody. */
export const rolesCondition: Condition = {
  kind: 'roles',
  compile(rule) {
    const { roles } = rule;
    return roles && ofPerson((subject) => roles.some((role) => subject.roles.has(role)), 'role-held', 'role-missing');
  },
};
