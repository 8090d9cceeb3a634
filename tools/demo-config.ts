/**
 * The configuration of the demonstration, as text: what `npm start` and `npm run lab`
 * write below `.cardea/` and run, so that a reader can look at it and change it.
 *
 * @module
 */

/** People of the demonstration. Their passwords are printed on the screen; they are worth nothing elsewhere. */
export const demoUsers = [
  { name: 'alice', password: 'alice-demo', display: 'Alice Smith', groups: ['team-ai', 'dep1'] },
  { name: 'bob', password: 'bob-demo', display: 'Bob Jones', groups: ['dep2'] },
  { name: 'jürgen', password: 'juergen-demo', display: 'Jürgen Müller-Łukasiński', groups: ['dep1'] },
] as const;

export interface DemoAddresses {
  readonly port: number;
  readonly adminPort: number;
  /** The sample app's origin. */
  readonly upstream: string;
}

/** What the demonstration has beside the sample app. */
export interface DemoModel {
  /** Origin of what stands for a model's API. */
  readonly origin: string;
  /** The file with the key that it asks for. */
  readonly keyFile: string;
}

const rules = `    rules:
      - { path: /reports/**, module: Reports }   # roles open modules; only analysts get here
      - { path: /**, signed_in: true }
`;

const roles = `roles:
  analyst: { groups: [team-ai], modules: [Reports] }
  staff: { groups: [dep1, dep2], modules: [] }
`;

/** Embedded parts only: a sign-in form, users in a file, SQLite. */
export function demoConfig({ port, adminPort, upstream }: DemoAddresses, model?: DemoModel): string {
  return `# Written by "npm start". Loopback and plain HTTP: for a look, not for a network.
listen: { address: "127.0.0.1:${port}" }
admin: { address: "127.0.0.1:${adminPort}" }
state: ./state
sign_in:
  - password: { users: users.yaml }
${model === undefined ? '' : '  - api_key: {}\n'}${roles}apps:
  - name: sample
    host: ${model === undefined ? '"*"' : '[localhost, 127.0.0.1]'}
    upstream: ${upstream}
${rules}${model === undefined ? '' : modelApp(model)}`;
}

/** A model for API keys, so much of it a minute. */
const modelApp = ({
  origin,
  keyFile,
}: DemoModel): string => `  - name: llm                     # a test backend: it speaks like OpenAI's API, and has no model
    host: [localhost, 127.0.0.1]
    path: /v1
    upstream: { url: "${origin}", credential: "\${file:${keyFile}}" }
    sign_in: [api_key]
    headers: { user: x-orion-user, groups: x-orion-groups, upn: false, email: false, name: false, roles: false, assertion: false }
    rules:
      - { path: /**, signed_in: true }
    limits:
      tiers:
        - { name: default, requests_per_minute: 5, concurrent: 2, tokens_per_day: 10000, models: ["small-*"] }
`;

/** The same apps, with silent sign-on against the lab's Active Directory and group names by LDAPS. */
export function labConfig(
  { port, adminPort, upstream }: DemoAddresses,
  lab: {
    readonly keytab: string;
    readonly ca: string;
    readonly host: string;
    readonly ldapAddress: string;
    readonly bindUser: string;
  },
): string {
  return `# Written by "npm run lab": silent Kerberos sign-on against the Samba domain of the lab.
listen: { address: "127.0.0.1:${port}" }
admin: { address: "127.0.0.1:${adminPort}" }
state: ./state
sign_in:
  - negotiate: { keytab: ${lab.keytab} }
  - password: { users: users.yaml }
directory:
  ldap:
    url: ldaps://${lab.ldapAddress}
    ca: ${lab.ca}
    bind: { user: ${lab.bindUser}, password: "\${env:CARDEA_LAB_LDAP_PASSWORD}" }
    base: DC=corp,DC=example
${roles}apps:
  - name: sample
    host: ${lab.host}
    upstream: ${upstream}
${rules}`;
}
