import type { Condition } from '../condition.ts';

/** `public: true`: anybody, signed in or not. */
export const publicCondition: Condition = {
  kind: 'public',
  compile: (rule) => (rule.public === undefined ? undefined : () => ({ holds: true, reason: 'public' })),
};
