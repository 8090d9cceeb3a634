/**
 * Writes `docs/config.md` and `docs/cardea.schema.json` from the schema that validates configurations, so that
 * neither can say anything else: `node tools/generate-docs.ts`. With `--check` nothing is written, and the exit status
 * is 1 when a file differs.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inputSchema } from '../packages/gateway/src/config/json-schema.ts';
import { usersInputSchema } from '../packages/gateway/src/config/users-file.ts';
import { configReference } from './config-reference.ts';
import { editorSchema } from './editor-schema.ts';

const root = join(fileURLToPath(import.meta.url), '../..');
const files: readonly (readonly [path: string, text: string])[] = [
  ['docs/config.md', configReference(inputSchema(), usersInputSchema())],
  ['docs/cardea.schema.json', `${JSON.stringify(editorSchema(inputSchema()), null, 2)}\n`],
];

for (const [path, text] of files) {
  const file = join(root, path);
  const current = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  if (current === text) continue;
  if (process.argv.includes('--check')) {
    console.error(`${path} does not match the schema. Run: node tools/generate-docs.ts`);
    process.exitCode = 1;
    continue;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`Wrote ${path}`);
}
