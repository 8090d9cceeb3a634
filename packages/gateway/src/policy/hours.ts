/**
 * Times of the week, as rules have them: `mon-fri 07:00-19:00 Europe/Berlin`.
 *
 * Days and times are those of the clock on the wall there. So a day on which clocks change needs no care: an hour that is left
 * out does not come, and one that comes twice counts twice. A time that ends before it begins goes on over midnight and
 * belongs to the day on which it began.
 *
 * @module
 */
export interface Hours {
  /** 0 is Sunday. */
  readonly days: ReadonlySet<number>;
  /** Minutes after midnight; `from` belongs to it, `to` does not. */
  readonly from: number;
  readonly to: number;
  /** `Europe/Berlin`, `UTC`. */
  readonly zone: string;
}

export type ParsedHours =
  | { readonly kind: 'ok'; readonly hours: Hours }
  | { readonly kind: 'wrong'; readonly reason: HoursFault };

export type HoursFault =
  | 'hours-form'
  | 'hours-no-zone'
  | 'hours-unknown-day'
  | 'hours-time'
  | 'hours-empty'
  | 'hours-zone';

const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const form =
  /^(?:([A-Za-z]+(?:[-,][A-Za-z]+)*) )?([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})(?: ([A-Za-z0-9_+:/-]{1,64}))?$/;

/** Reads days (all, if none are named), times and zone. The zone has no default: the machine's own is rarely what was meant. */
export function parseHours(text: string): ParsedHours {
  const [whole, dayText, h1, m1, h2, m2, zone] = form.exec(text) ?? [];
  if (whole === undefined) return wrong('hours-form');
  const from = minutes(h1, m1);
  const to = minutes(h2, m2);
  if (from === undefined || to === undefined || from === endOfDay) return wrong('hours-time');
  if (from === to) return wrong('hours-empty');
  if (zone === undefined) return wrong('hours-no-zone');
  const days = dayText === undefined ? new Set(dayNames.keys()) : readDays(dayText.toLowerCase());
  if (days === undefined) return wrong('hours-unknown-day');
  if (!isZone(zone)) return wrong('hours-zone');
  return { kind: 'ok', hours: { days, from, to, zone } };
}

/** Tells whether a moment (milliseconds since the epoch) is within. Throws for a text that `parseHours` does not read. */
export function hoursMatcher(text: string): (now: number) => boolean {
  const parsed = parseHours(text);
  if (parsed.kind === 'wrong') throw new TypeError(`Cannot read times "${text}": ${parsed.reason}`);
  const { days, from, to, zone } = parsed.hours;
  const clock = wallClock(zone);
  const matches = (minute: number): boolean => {
    const { day, time } = clock(minute * 60_000);
    if (from < to) return days.has(day) && time >= from && time < to;
    return (days.has(day) && time >= from) || (days.has((day + 6) % 7) && time < to);
  };
  // To ask for the time in a zone takes microseconds. Its minutes begin when ours do, so one answer serves for a minute.
  let last = { minute: Number.NaN, inside: false };
  return (now) => {
    const minute = Math.floor(now / 60_000);
    if (minute !== last.minute) last = { minute, inside: matches(minute) };
    return last.inside;
  };
}

/** Day of the week and minutes after midnight, on the wall in this zone. */
function wallClock(zone: string): (at: number) => { readonly day: number; readonly time: number } {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
  return (at) => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
    const name = parts.get('weekday')?.toLowerCase() ?? '';
    return {
      day: dayNames.findIndex((day) => day === name),
      time: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
    };
  };
}

const endOfDay = 24 * 60;

function minutes(hour: string | undefined, minute: string | undefined): number | undefined {
  const total = Number(hour) * 60 + Number(minute);
  return Number(minute) < 60 && total <= endOfDay ? total : undefined;
}

/** `mon-fri,sun`; `sat-mon` goes on over the end of the week. */
function readDays(text: string): ReadonlySet<number> | undefined {
  const days = new Set<number>();
  for (const range of text.split(',')) {
    const [first, last, more] = range.split('-').map((name) => dayNames.findIndex((day) => day === name));
    if (first === undefined || more !== undefined || first < 0 || last === -1) return undefined;
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === (last ?? first)) break;
    }
  }
  return days;
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const wrong = (reason: HoursFault): ParsedHours => ({ kind: 'wrong', reason });
