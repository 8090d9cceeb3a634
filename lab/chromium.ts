/**
 * A real Chromium that signs on silently with the lab's tickets, driven by playwright.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type BrowserContext } from 'playwright-core';
import { dnsDomain } from './domain.ts';
import { directory, environment } from './files.ts';

export interface BrowserOptions {
  /** Credential cache of `kinit`; without one, the browser has no ticket. */
  readonly ccache?: string;
  /** Where all hosts of the lab's domain are. Default 127.0.0.1. */
  readonly connectTo?: string;
  /** Hosts outside the domain that are on this machine too, such as `*.evil.example`; all others do not exist. */
  readonly otherHosts?: readonly string[];
  /** Further switches of Chromium. */
  readonly args?: readonly string[];
}

export interface Browser {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/**
 * Starts Chromium with a fresh profile. Hosts below the lab's domain may be signed on to; a test's own certificate
 * is believed. `close` ends the browser and removes the profile.
 */
export async function startChromium(options: BrowserOptions = {}): Promise<Browser> {
  mkdirSync(directory, { recursive: true });
  const profile = mkdtempSync(join(directory, 'chromium-'));
  // The first keeps --host-resolver-rules from turning the service name into HTTP/127.0.0.1; without the second the first run
  // of a new profile refuses Negotiate.
  const state = { auth: { disable_negotiate_cname_lookup: true }, net: { received_http_auth_negotiate_headers: true } };
  writeFileSync(join(profile, 'Local State'), JSON.stringify(state));
  const remove = (): void => rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  try {
    // A persistent context: the default one is incognito, which never signs on.
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: '/usr/bin/chromium',
      headless: true,
      chromiumSandbox: false, // Chromium's sandbox refuses to run as root
      ignoreHTTPSErrors: true,
      env: environment({ KRB5CCNAME: `FILE:${options.ccache ?? '/nonexistent'}` }),
      args: [
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        `--auth-server-allowlist=*.${dnsDomain}`,
        `--host-resolver-rules=${resolverRules(options)}`,
        ...(options.args ?? []),
      ],
    });
    return {
      context,
      close: async () => {
        await context.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function resolverRules({ connectTo = '127.0.0.1', otherHosts }: BrowserOptions): string {
  const rules = [`MAP *.${dnsDomain} ${connectTo}`];
  if (otherHosts !== undefined)
    rules.push(...otherHosts.map((host) => `MAP ${host} 127.0.0.1`), 'MAP * ~NOTFOUND', 'EXCLUDE 127.0.0.1');
  return rules.join(',');
}
