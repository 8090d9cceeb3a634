/**
 * Certificate authorities of a test, and what they issue, made by OpenSSL.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Authorities {
  /** A new authority with a key of its own. */
  readonly authority: (name: string) => Pair;
  /** A certificate by the authority `by`, with these extensions as OpenSSL writes them; of the past when `days` is negative. */
  readonly issue: (name: string, by: string, extensions: string, days?: string) => Pair;
  /** Removes all files. */
  readonly remove: () => void;
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export function authorities(): Authorities {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-authorities-'));
  const openssl = (...args: readonly string[]): void =>
    void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const pair = (name: string): Pair => ({ cert: read(`${name}.pem`), key: read(`${name}.key`) });
  return {
    authority(name) {
      const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
      openssl('req', '-x509', ...curve, '-days', '2', '-subj', `/CN=${name}`, ...files);
      return pair(name);
    },
    issue(name, by, extensions, days = '2') {
      openssl('req', ...curve, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
      writeFileSync(join(folder, `${name}.ext`), extensions);
      const signer = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial', '-days', days];
      openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-extfile', `${name}.ext`, '-out', `${name}.pem`);
      return pair(name);
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
