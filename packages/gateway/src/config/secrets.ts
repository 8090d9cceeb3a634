import { Secret } from '../core/secret.ts';
import type { Files } from './files.ts';
import { ok, type Parsed, wrong } from './parsed.ts';

const write = 'Write "${env:NAME}" or "${file:/run/secrets/name}", alone and in quotation marks.';

/** Where secrets come from. */
export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files: Files;
  /** Collects the secrets that stood in the text itself, for a warning. */
  readonly inline: Set<Secret>;
}

/**
 * The secret that a value stands for: `${env:NAME}`, `${file:/path}` (without one newline at its end), or the
 * value itself. No message contains any part of a secret, nor the text of a reference that could not be read.
 */
export function readSecret(text: string, { env, files, inline }: SecretSources): Parsed<Secret> {
  const [, kind, name = ''] = /^\$\{(env|file):([^}]*)\}$/.exec(text) ?? [];
  if (kind === 'env') {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return wrong('the name of the environment variable is not one', write);
    const value = env[name];
    if (value === undefined || value === '')
      return wrong(`the environment variable ${name} is not set`, `Set ${name} for the process, or name another one.`);
    return ok(new Secret(value));
  }
  if (kind === 'file') {
    if (name === '') return wrong('the reference names no file', write);
    const read = files.read(files.absolute(name));
    if (read.kind === 'wrong') return wrong(`its file ${read.message}`, read.fix);
    const value = new TextDecoder().decode(read.value).replace(/\r?\n$/, '');
    if (value === '') return wrong(`its file ${name} is empty`, 'Write the secret into it.');
    return ok(new Secret(value));
  }
  if (text.includes('${')) return wrong('the reference to a secret is not of a known form', write);
  if (text === '') return wrong('it is empty', write);
  const secret = new Secret(text);
  inline.add(secret);
  return ok(secret);
}

/** Whether text looks like a reference to a secret. Only keys of the type "secret" may hold one. */
export const isReference = (text: string): boolean => /\$\{(?:env|file):/.test(text);
