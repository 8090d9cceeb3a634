import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './programs.ts';

export const opensslPath = '/usr/bin/openssl';

/** PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A new key on P-256, as most public certificates have one, and a certificate for it that nobody has signed. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '30'];
  const args = ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert];
  await runProgram(opensslPath, args, { side: 'around', timeoutMs: 20_000 });
  chmodSync(key, 0o600);
  return { cert, key };
}
