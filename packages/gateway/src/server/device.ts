import { type Fields, fieldValues } from '../wire/fields.ts';

/** In this order: most browsers also name those that they descend from. */
const browsers: readonly (readonly [mark: RegExp, name: string])[] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bFirefox\//, 'Firefox'],
  [/\b(?:HeadlessChrome|Chrome|CriOS)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
  [/^curl\//, 'curl'],
  [/^python-/i, 'Python'],
];
const systems: readonly (readonly [mark: RegExp, name: string])[] = [
  [/\bWindows\b/, 'Windows'],
  [/\bAndroid\b/, 'Android'],
  [/\b(?:iPhone|iPad)\b/, 'iOS'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

/** `Chrome on Windows`: enough for people to tell their sessions apart. The client says so itself; it proves nothing. */
export function deviceOf(fields: Fields): string {
  const agent = (fieldValues(fields, 'user-agent')[0] ?? '').slice(0, 512);
  const named = (marks: typeof browsers): string | undefined => marks.find(([mark]) => mark.test(agent))?.[1];
  const browser = named(browsers);
  const system = named(systems);
  if (browser === undefined) return system ?? 'unknown';
  return system === undefined ? browser : `${browser} on ${system}`;
}
