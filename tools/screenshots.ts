/**
 * Takes the pictures of the documentation, in the lab: `node tools/screenshots.ts`. All of them are of a real Chromium:
 *
 * - `demo.png`: the sample app's page as `npm run lab` serves it, for a browser that has signed on silently as CORP\alice
 * - `sign-in.png`, `-dark`, `-phone`, `-branded`: what a person sees whom Windows could not sign in
 * - `signed-out.png`, `refused.png`, `error.png`
 * - `streamlit.png`: the app of examples/recipes/streamlit
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { asPerson, visit } from '../lab/browse.ts';
import { startGateway } from '../packages/gateway/src/app/gateway.ts';
import { formatProblems } from '../packages/gateway/src/cli/format-problems.ts';
import { loadConfig } from '../packages/gateway/src/config/load.ts';
import { startSampleApp } from '../packages/sample-app/src/app.ts';
import { startRecipeLab } from '../test/lab/recipes.ts';
import { labConfig } from './demo-config.ts';
import { labHost, prepareLab } from './demo-lab.ts';

const pictures = join(import.meta.dirname, '../docs/images');
const step = (text: string): void => console.error(`[screenshots] ${text}`);

/** Providers of other people, so that the page has several ways; nobody asks them anything before a button is pressed. */
const providers = `  - oidc: { id: entra, name: Company account, issuer: "https://login.example/corp", client_id: cardea }
  - oidc: { id: partners, name: Partner portal, issuer: "https://partners.example", client_id: cardea }
`;
const brand = `pages:
  name: Nordwind Apps
  logo: logo.svg
  accent: "#0a5c36"
  help: { text: { de: "Der Service-Desk hilft: 4321.", en: "The service desk helps: 4321." }, link: "tel:4321" }
`;
const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="16" fill="#0a5c36"/>
<path d="M6 18q5-7 10 0t10 0" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>`;
/** An app that is not there. */
const down = `  - { name: figures, host: down.corp.example, upstream: "http://127.0.0.1:1", rules: [{ path: /**, public: true }] }
`;

const lab = await prepareLab(step);
const folder = mkdtempSync(join(tmpdir(), 'cardea-screenshots-'));
const sample = await startSampleApp({ port: 0 });

/** Runs `work` with the port of a gateway like the one of the demonstration, with these further lines in its configuration. */
async function withGateway(
  name: string,
  edit: (config: string) => string,
  work: (port: string) => Promise<void>,
): Promise<void> {
  const file = join(folder, `${name}.yaml`);
  const config = labConfig({ port: 0, adminPort: 0, upstream: sample.origin }, lab);
  writeFileSync(
    file,
    `${edit(config).replace('state: ./state', `state: ./${name}`)}threads: 1\naudit: { stdout: false }\n`,
  );
  const loaded = loadConfig(file, { env: process.env, now: Date.now() });
  if (loaded.kind === 'wrong') throw new Error(formatProblems(loaded.problems));
  const gateway = await startGateway(loaded);
  try {
    await work(gateway.addresses[0]?.split(':').at(-1) ?? '');
  } finally {
    await gateway.close(0);
  }
}

async function take(page: Page, name: string, size: { width: number; height: number }): Promise<void> {
  await page.setViewportSize(size);
  await page.screenshot({ path: join(pictures, `${name}.png`) });
  step(`Wrote docs/images/${name}.png`);
}

const desk = { width: 900, height: 720 };
const phone = { width: 390, height: 760 };

try {
  writeFileSync(join(folder, 'users.yaml'), 'users: []\n');
  writeFileSync(join(folder, 'logo.svg'), logo);

  await withGateway(
    'demo',
    (config) => config,
    (port) =>
      asPerson('alice', async (page) => {
        await page.setViewportSize({ width: 1200, height: 600 });
        const { cards } = await visit(page, `http://${labHost}:${port}/`);
        if (cards?.socket['user'] !== 'CORP\\alice')
          throw new Error('Cannot take the picture: the app does not see CORP\\alice');
        await take(page, 'demo', { width: 1200, height: 600 });
      }),
  );

  const severalWays = (config: string): string => config.replace('  - password:', `${providers}  - password:`) + down;
  await withGateway('several', severalWays, async (port) => {
    const app = `http://${labHost}:${port}`;
    await asPerson('-', async (page) => {
      await visit(page, `${app}/`);
      await take(page, 'sign-in', desk);
      await page.emulateMedia({ colorScheme: 'dark' });
      await take(page, 'sign-in-dark', desk);
      await page.emulateMedia({ colorScheme: 'light' });
      await take(page, 'sign-in-phone', phone);
      await page.goto(`http://down.corp.example:${port}/today`);
      await take(page, 'error', { ...desk, height: 460 });
    });
    await asPerson('bob', async (page) => {
      await visit(page, `${app}/reports/`);
      await take(page, 'refused', { ...desk, height: 460 });
    });
    await asPerson('alice', async (page) => {
      await visit(page, `${app}/`);
      await page.goto(`${app}/auth/logout`);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'Signed out' }).waitFor();
      await take(page, 'signed-out', { ...desk, height: 400 });
    });
  });

  const recipe = await startRecipeLab('streamlit', { replace: { 'groups: [analysts]': 'groups: [team-ai]' } });
  try {
    await recipe.page.goto(`${recipe.origin}/`);
    await recipe.page.getByText('Counted 0').waitFor();
    await take(recipe.page, 'streamlit', { width: 900, height: 440 });
  } finally {
    await recipe.close();
  }

  await withGateway(
    'branded',
    (config) => severalWays(config) + brand,
    (port) =>
      asPerson('-', async (page) => {
        await page.setExtraHTTPHeaders({ 'Accept-Language': 'de' });
        await visit(page, `http://${labHost}:${port}/`);
        await take(page, 'sign-in-branded', { ...desk, height: 820 });
      }),
  );
} finally {
  await sample.close();
  rmSync(folder, { recursive: true, force: true });
}
