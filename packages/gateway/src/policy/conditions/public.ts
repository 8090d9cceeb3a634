import { type Condition, type Finding } from '../condition.ts';

const anybody: Finding = { holds: true, reason: 'public' };

/** `public: true`: anybody, signed in or not. */
export const publicCondition: Condition = {
  kind: 'public',
  compile: (rule) => (rule.public === undefined ? undefined : () => anybody),
};
