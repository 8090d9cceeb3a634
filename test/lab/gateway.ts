/**
 * The whole gateway as a service of the lab's domain, with the sample app behind it.
 *
 * @module
 */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { baseDn, servicePassword } from '../../lab/domain.ts';
import { address, paths } from '../../lab/files.ts';
import { run } from '../../lab/processes.ts';
import { makeTokens, type TokenRequest } from '../../lab/tokens.ts';
import { startTestGateway, type TestGateway, usersFile } from '../../packages/gateway/test/harness.ts';

export const host = 'app.corp.example';

/** Hosts of the lab that lead to the sample app as well; their service accounts have other keys. */
export const otherHosts: readonly string[] = ['aes128', 'rc4', 'stale', 'other'].map((name) => `${name}.corp.example`);

export interface LabOptions {
  /** Further options of `negotiate`, as in `{ channel_bindings: required }` without the braces. */
  readonly negotiate?: string;
  /** The `directory` section; default: the domain controller over LDAPS. */
  readonly directory?: string;
  /** Origins whose pages may open WebSockets. */
  readonly allowedOrigins?: readonly string[];
  readonly port?: number;
  /** Speaks HTTPS, with a certificate for the lab's hosts. */
  readonly tls?: boolean;
  readonly now?: () => number;
  /** A directory of an earlier gateway, to start on its state again. */
  readonly folder?: string;
}

export interface LabGateway extends TestGateway {
  readonly port: number;
  /** An address of the app under its name in the domain. */
  url(path: string, host?: string): string;
  /** Header fields with which a raw client reaches the app and presents a token. */
  fields(token?: Uint8Array): Record<string, string>;
}

/**
 * Starts the gateway with the lab's keytab. Below `app.corp.example` header values are percent-encoded, below
 * `desk.corp.example` UTF-8; `/reports/` is for alice's group.
 */
export async function startLabGateway(options: LabOptions = {}): Promise<LabGateway> {
  const tls = options.tls === true ? await certificate() : undefined;
  const rules = `
    allowed_origins: ${JSON.stringify(options.allowedOrigins ?? [])}
    rules:
      - { path: /reports/**, module: Reports }
      - { path: /**, signed_in: true }`;
  const gateway = await startTestGateway({
    listen: `{ address: "127.0.0.1:${options.port ?? 0}"${tls === undefined ? '' : ', tls: { cert: tls.pem, key: tls.key }'} }`,
    files: { 'users.yaml': await usersFile({ paula: ['dep1'] }), ...tls },
    env: { LDAP_PASSWORD: servicePassword },
    config: (upstream) => `
sign_in:
  - negotiate: { keytab: ${paths.keytab}${options.negotiate === undefined ? '' : `, ${options.negotiate}`} }
  - password: { users: users.yaml }
directory: ${options.directory ?? ldapAt(636)}
roles:
  analyst: { groups: [team-ai], modules: [Reports] }
apps:
  - name: sample
    host: [${[host, ...otherHosts].join(', ')}]
    upstream: ${upstream}${rules}
  - name: desk
    host: desk.corp.example
    header_encoding: utf-8
    upstream: ${upstream}${rules}
`,
    ...(options.now === undefined ? {} : { now: options.now }),
    ...(options.folder === undefined ? {} : { folder: options.folder }),
  });
  const scheme = tls === undefined ? 'http' : 'https';
  const port = Number(new URL(gateway.origin).port);
  return {
    ...gateway,
    port,
    url: (path, name = host) => `${scheme}://${name}:${port}${path}`,
    fields: (token) => ({
      Host: `${host}:${port}`,
      ...(token === undefined ? {} : { Authorization: `Negotiate ${Buffer.from(token).toString('base64')}` }),
    }),
  };
}

/** The `directory` section for LDAPS at this port of the domain controller's address. */
export const ldapAt = (port: number): string =>
  `{ ldap: { url: "ldaps://${address}:${port}", ca: ${paths.ca}, bind: { user: svc-cardea@corp.example, password: "\${env:LDAP_PASSWORD}" }, base: "${baseDn}" } }`;

/** One fresh token. */
export async function oneToken(request: TokenRequest = {}): Promise<Buffer> {
  const [token] = await makeTokens(request);
  if (token === undefined) throw new Error('Cannot make a token: MIT Kerberos gave none');
  return token;
}

/** A directory for the state of several gateways, one after the other. */
export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'cardea-lab-test-'));

/** A certificate for the hosts of the lab, and its key. */
export async function certificate(): Promise<{ readonly 'tls.pem': string; readonly 'tls.key': string }> {
  const names = `subjectAltName=DNS:${[host, 'desk.corp.example', ...otherHosts].join(',DNS:')}`;
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '-'];
  const text = await run('/usr/bin/openssl', [
    'req',
    '-x509',
    ...newKey,
    '-days',
    '30',
    '-subj',
    `/CN=${host}`,
    '-addext',
    names,
  ]);
  const [key = '', pem = ''] = text.split(/(?=-----BEGIN CERTIFICATE)/);
  return { 'tls.pem': pem, 'tls.key': key };
}
