import { type Condition, ofPerson } from '../condition.ts';

/** `module: a`: whoever has a role that opens this module, or all of them. */
export const moduleCondition: Condition = {
  kind: 'module',
  compile(rule) {
    const { module } = rule;
    if (module === undefined) return undefined;
    return ofPerson(({ modules }) => modules.has('*') || modules.has(module), 'module-open', 'module-missing');
  },
};
