/**
 * Takes the pictures of the documentation, in the lab: `node tools/screenshots.ts`.
 *
 * `docs/images/demo.png` is the sample app's page as `npm run lab` serves it, in a real Chromium that has signed on
 * silently as CORP\alice.
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asPerson, visit } from '../lab/browse.ts';
import { startGateway } from '../packages/gateway/src/app/gateway.ts';
import { formatProblems } from '../packages/gateway/src/cli/format-problems.ts';
import { loadConfig } from '../packages/gateway/src/config/load.ts';
import { startSampleApp } from '../packages/sample-app/src/app.ts';
import { labConfig } from './demo-config.ts';
import { labHost, prepareLab } from './demo-lab.ts';

const picture = join(import.meta.dirname, '../docs/images/demo.png');
const step = (text: string): void => console.error(`[screenshots] ${text}`);

const lab = await prepareLab(step);
const folder = mkdtempSync(join(tmpdir(), 'cardea-screenshots-'));
const sample = await startSampleApp({ port: 0 });
try {
  const file = join(folder, 'cardea.yaml');
  writeFileSync(join(folder, 'users.yaml'), 'users: []\n');
  writeFileSync(file, labConfig({ port: 0, adminPort: 0, upstream: sample.origin }, lab));
  const loaded = loadConfig(file, { env: process.env, now: Date.now() });
  if (loaded.kind === 'wrong') throw new Error(formatProblems(loaded.problems));
  const gateway = await startGateway(loaded);
  try {
    const port = gateway.addresses[0]?.split(':').at(-1) ?? '';
    await asPerson('alice', async (page) => {
      await page.setViewportSize({ width: 1200, height: 600 });
      const { cards } = await visit(page, `http://${labHost}:${port}/`);
      if (cards?.socket['user'] !== 'CORP\\alice')
        throw new Error('Cannot take the picture: the app does not see CORP\\alice');
      await page.screenshot({ path: picture });
    });
  } finally {
    await gateway.close(0);
  }
} finally {
  await sample.close();
  rmSync(folder, { recursive: true, force: true });
}
step(`Wrote ${picture}`);
