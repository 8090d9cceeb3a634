/**
 * The reference page of the configuration, made of the schema's own words.
 *
 * @module
 */
import { type JsonSchema, typeText } from '../packages/gateway/src/config/json-schema.ts';

/** `docs/config.md` as text. */
export function configReference(config: JsonSchema, users: JsonSchema): string {
  const sections = Object.entries(config.properties ?? {});
  const required = new Set(config.required);
  return [
    introduction,
    '## A complete example\n',
    'Every section at once. Only `apps` and, where a rule asks for a sign-in, `sign_in` are needed.\n',
    yaml(sections.map(([, schema]) => schema['x-example'] ?? '').join('')),
    ...sections.map(([name, schema]) => section(name, schema, required.has(name))),
    usersFile(users),
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()
    .concat('\n');
}

const introduction = `# Configuration

<!-- Written by tools/generate-docs.ts from packages/gateway/src/config: change it there. -->

Cardea reads one YAML file, by default \`cardea.yaml\` in the current directory, else \`/etc/cardea/cardea.yaml\`.
\`cardea check\` finds everything that is wrong with it at once, each thing with its line and what to do about it;
\`cardea serve\` makes the same check first and starts only when there is no error.

- **Keys** that are not on this page are errors, so that a misspelled protection is never silently missing.
- **Durations** are a whole number and a unit: \`500ms\`, \`90s\`, \`5m\`, \`8h\`, \`90d\`. **Sizes** likewise: \`64KiB\`, \`2GiB\`.
- **Files** are named relative to the configuration file, or absolutely.
- **Secrets** (the type says so) are best taken from elsewhere: \`"\${file:/run/secrets/ldap}"\` is the contents of a file,
  without a newline at its end, and \`"\${env:LDAP_PASSWORD}"\` an environment variable. Put the reference into quotation
  marks. A secret in the configuration itself works, with a warning. Other values cannot be taken from elsewhere.
- **YAML** is read strictly: version 1.2 (\`no\` is text, not false), each key once, no tags.
- Keys that begin with \`dangerously_\` switch a protection off; \`cardea check\` names each one that is in use.
- Editors with the YAML language server complete and check the file as you type when its first line is
  \`# yaml-language-server: $schema=cardea.schema.json\`, with the path of your copy of
  [cardea.schema.json](cardea.schema.json).

Ready-made files are in [examples](../examples).
`;

function section(name: string, schema: JsonSchema, required: boolean): string {
  const facts = isLeaf(schema)
    ? `\nType: ${typeText(schema)}. ${required ? 'Required.' : `Default: ${defaultText(schema)}.`}\n`
    : required
      ? '\nRequired.\n'
      : '';
  return `## ${name}\n\n${schema.description ?? ''}\n${facts}\n${yaml(schema['x-example'] ?? '')}\n${tables(schema, headingOf(name, schema))}`;
}

function usersFile(users: JsonSchema): string {
  const example = `users:
  - name: alice
    password_hash: $argon2id$v=19$m=65536,t=3,p=1$…
    account: CORP\\alice
    display_name: Alice Archer
    groups: [risk-team]
`;
  return `## Users file\n\nThe people of the sign-in method \`password\`, in a file of its own. Passwords are not in it, only their hashes: \`cardea hash-password\` asks for a password and prints one.\n\n${yaml(example)}\n${tables(users, '')}`;
}

interface Row {
  readonly key: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

/** A mapping with more keys than this gets a table of its own instead of rows in the one above it. */
const fewKeys = 3;

/** One table for the keys of a section, and one below it for each larger mapping inside. */
function tables(schema: JsonSchema, title: string): string {
  const later: [title: string, schema: JsonSchema][] = [];
  const rows = keysOf(schema).flatMap((row) => withInner(row, title, later));
  if (rows.length === 0) return '';
  const lines = rows.map(({ key, schema: of, required }) => {
    const cells = [`\`${key}\``, typeText(of), required ? '**required**' : defaultText(of), of.description ?? ''];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  });
  const head = `| key | type | default | meaning |\n|---|---|---|---|\n`;
  return `${head}${lines.join('')}\n${later.map(([name, inner]) => `### ${name}\n\n${inner.description ?? ''}\n\n${tables(inner, name)}`).join('')}`;
}

function withInner(row: Row, title: string, later: [string, JsonSchema][]): Row[] {
  const inner = keysOf(row.schema);
  if (inner.length === 0) return [row];
  const name = headingOf(title === '' ? row.key : `${title}.${row.key}`, row.schema);
  if (inner.length > fewKeys) {
    later.push([name, row.schema]);
    return [row];
  }
  return [row, ...inner.flatMap((one) => withInner({ ...one, key: `${row.key}.${one.key}` }, title, later))];
}

/** The keys of a mapping, of the mappings in a list, or of those that a value may be instead of something simpler. */
function keysOf(schema: JsonSchema): Row[] {
  if (schema.anyOf) {
    const mapping = schema.anyOf.find((one) => one.properties);
    return mapping ? keysOf(mapping) : [];
  }
  if (schema.items) return keysOf(schema.items);
  if (schema.properties)
    return Object.entries(schema.properties).map(([key, of]) => ({
      key,
      schema: of,
      required: schema.required?.includes(key) ?? false,
    }));
  if (typeof schema.additionalProperties === 'object' && schema.additionalProperties.properties)
    return keysOf(schema.additionalProperties).map((row) => ({ ...row, key: `<name>.${row.key}` }));
  return [];
}

/** `apps[]` for a list of mappings: what a path in a message looks like, with the number left out. */
const headingOf = (name: string, schema: JsonSchema): string => (schema.items?.properties ? `${name}[]` : name);

const isLeaf = (schema: JsonSchema): boolean => keysOf(schema).length === 0;

function defaultText(schema: JsonSchema): string {
  const value = schema.default;
  if (value === undefined || value === '') return '–';
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
    return Array.isArray(value) ? 'none' : '–';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value).replaceAll('"', '')}\``;
}

const yaml = (text: string): string => `\`\`\`yaml\n${text}\`\`\`\n`;
