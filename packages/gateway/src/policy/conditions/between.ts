import { type Condition, predicateOf } from '../condition.ts';
import { hoursMatcher } from '../hours.ts';

/** `between: mon-fri 07:00-19:00 Europe/Berlin`: at one of these times. An empty list is never. */
export const betweenCondition: Condition = {
  kind: 'between',
  compile({ between }) {
    if (between === undefined) return undefined;
    const matchers = between.map(hoursMatcher);
    return predicateOf((_subject, { now }) => matchers.some((matches) => matches(now)), 'in-hours', 'outside-hours');
  },
};
