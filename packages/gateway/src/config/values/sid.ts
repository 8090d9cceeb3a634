import { ok, type Parsed, wrong } from '../parsed.ts';

/** Whether a group is meant by SID: no account in AD has a name of this form. */
export const looksLikeSid = (text: string): boolean => /^s-1-/i.test(text);

/** A security identifier in its text form (MS-DTYP 2.4.2.1), for example `S-1-5-21-1-2-3-1104`. */
export function parseSid(text: string): Parsed<string> {
  const example = 'Write it as whoami /groups shows it, for example S-1-5-21-1004336348-1177238915-682003330-1104.';
  if (!/^S-1-(?:0|[1-9][0-9]{0,14})(?:-(?:0|[1-9][0-9]{0,9})){1,15}$/.test(text))
    return wrong(`"${text}" is not a security identifier (SID)`, example);
  const parts = text.split('-').slice(2).map(Number);
  if (parts.some((part, i) => part > (i === 0 ? 2 ** 48 - 1 : 2 ** 32 - 1)))
    return wrong(`"${text}" has a number that is too large for a SID`, example);
  return ok(text);
}

/** A group, by name or by SID. */
export function parseGroup(text: string): Parsed<string> {
  if (looksLikeSid(text)) return parseSid(text);
  if (text.trim() !== text || text === '')
    return wrong(`"${text}" is not the name of a group`, 'Remove the spaces around it.');
  if (/[\u0000-\u001f\u007f]/.test(text))
    return wrong('the name has a control character', 'Write the name as the directory has it.');
  if (text.includes('\\'))
    return wrong(`"${text}" has a domain`, `Write the name alone: ${text.slice(text.lastIndexOf('\\') + 1)}.`);
  return ok(text);
}
