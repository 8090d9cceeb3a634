import { type HoursFault, parseHours } from '../../policy/hours.ts';
import { ok, type Parsed, wrong } from '../parsed.ts';
import { type Leaf, leaf } from './leaf.ts';

const example = 'mon-fri 07:00-19:00 Europe/Berlin';

const faults: { readonly [F in HoursFault]: readonly [message: string, fix: string] } = {
  'hours-form': ['does not say days, hours and time zone', `Write them like this: ${example}.`],
  'hours-no-zone': ['names no time zone', `Add the zone whose clocks are meant: ${example}.`],
  'hours-unknown-day': [
    'names a day that there is not',
    'Days are mon, tue, wed, thu, fri, sat, sun: mon-fri, or sat,sun.',
  ],
  'hours-time': ['has a time that no clock shows', 'Hours go from 00:00 to 24:00.'],
  'hours-empty': ['ends when it begins', 'Write 00:00-24:00 for the whole day.'],
  'hours-zone': ['names a time zone that there is not', 'Write a zone such as Europe/Berlin, America/New_York or UTC.'],
};

/** A time of the week, as rules have it. */
export function parseTimes(text: string): Parsed<string> {
  const parsed = parseHours(text);
  if (parsed.kind === 'ok') return ok(text);
  const [message, fix] = faults[parsed.reason];
  return wrong(`"${text}" ${message}`, fix);
}

export const hours = (): Leaf<string> => leaf('days, hours and time zone', example, parseTimes);
