/**
 * One visit of a real Chromium as a person of the lab's domain: what the sample app's page saw over all four transports.
 *
 * As a command: `node lab/browse.ts USER URL [--screenshot FILE]`.
 *
 * @module
 */

import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { BrowserContext, Page } from 'playwright-core';
import { startChromium } from './chromium.ts';
import { users } from './domain.ts';
import { startLab } from './lab.ts';
import { kinit } from './tokens.ts';

/** The transports of the sample app's page, in the order of its cards. */
export const transports = ['page', 'fetch', 'events', 'socket'] as const;
export type Transport = (typeof transports)[number];

/** What one card of the sample app's page says: `user`, `UPN`, `name`, `groups`, `roles`. */
export type Card = Readonly<Record<string, string>>;

export interface Visit {
  readonly status: number;
  readonly title: string;
  /** One card per transport; `undefined` when this is not the sample app's page. */
  readonly cards: Readonly<Record<Transport, Card>> | undefined;
  /** The text of the page, as a person reads it. */
  readonly text: string;
}

/** Opens the URL in this page and waits until every transport of the sample app's page has answered. */
export async function visit(page: Page, url: string): Promise<Visit> {
  const response = await page.goto(url);
  const isSampleApp = (await page.locator('#cards').count()) > 0;
  if (isSampleApp) await page.locator('html[data-fetch][data-events][data-socket]').waitFor();
  return {
    status: response?.status() ?? 0,
    title: await page.title(),
    cards: isSampleApp
      ? {
          page: await cardOf(page, 'page'),
          fetch: await cardOf(page, 'fetch'),
          events: await cardOf(page, 'events'),
          socket: await cardOf(page, 'socket'),
        }
      : undefined,
    text: await page.locator('body').innerText(),
  };
}

async function cardOf(page: Page, from: Transport): Promise<Card> {
  const card = page.locator(`[data-from=${from}]`);
  const [names, values] = [await card.locator('dt').allInnerTexts(), await card.locator('dd').allInnerTexts()];
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']));
}

/** Runs `work` with the first page of a browser that is signed in as this person; `-` is nobody. */
export async function asPerson<T>(user: string, work: (page: Page, context: BrowserContext) => Promise<T>): Promise<T> {
  const ccache = user === '-' ? undefined : await kinit(user);
  try {
    const browser = await startChromium(ccache === undefined ? {} : { ccache });
    try {
      const page = browser.context.pages()[0] ?? (await browser.context.newPage());
      return await work(page, browser.context);
    } finally {
      await browser.close();
    }
  } finally {
    if (ccache !== undefined) rmSync(ccache, { force: true });
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { screenshot: { type: 'string' } }, allowPositionals: true });
  const [user, url, ...more] = positionals;
  if (user === undefined || url === undefined || more.length > 0 || !URL.canParse(url)) {
    console.error(`Usage: node lab/browse.ts USER URL [--screenshot FILE]
USER is one of ${users.map(({ name }) => name).join(', ')}, or "-" for nobody.`);
    return 2;
  }
  await startLab((line) => console.error(`[lab] ${line}`));
  console.error(`[browse] Starting Chromium as ${user === '-' ? 'nobody' : user} ...`);
  await asPerson(user, async (page) => {
    const seen = await visit(page, url);
    console.log(`${seen.status} ${seen.title}`);
    if (seen.cards === undefined) console.log(`\n${seen.text}`);
    else for (const from of transports) console.log(`\n${headings[from]}\n${lines(seen.cards[from])}`);
    if (values.screenshot !== undefined) await page.screenshot({ path: values.screenshot, fullPage: true });
  });
  return 0;
}

const headings: Readonly<Record<Transport, string>> = {
  page: 'Page request',
  fetch: 'fetch()',
  events: 'Event stream',
  socket: 'WebSocket',
};

const lines = (card: Card): string =>
  Object.entries(card)
    .map(([name, value]) => `  ${name.padEnd(8)}${value}`)
    .join('\n');

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
