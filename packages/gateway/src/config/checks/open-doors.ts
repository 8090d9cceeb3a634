import { pathText } from '../problem.ts';
import type { App } from '../schema.ts';
import { placeOf } from '../values/place.ts';
import { type Check, warning, wellFormedApps } from './check.ts';

/** No app with `sign_in: none` leads to what another app asks a sign-in for, in whatever spelling of its address. */
export const checkOpenDoors: Check = ({ config, report }) => {
  const all = wellFormedApps(config);
  const apps = all.map(({ app }) => app);
  for (const { app: open, at } of all) {
    if (open.sign_in !== 'none') continue;
    const places = new Set(open.upstream.url.map(placeOf));
    for (const { app: closed, at: other } of all) {
      const address = closed.upstream.url.find((url) => places.has(placeOf(url)));
      if (closed.sign_in === 'none' || address === undefined) continue;
      const host = open.host.find((name) => appFor(apps, name, closed.path) === open);
      if (host === undefined) continue;
      report(
        warning(
          [...at, 'upstream'],
          `everybody gets to ${address}${closed.path} by the host ${host}, and ${pathText(other)} asks for a sign-in there`,
          'Give it another upstream, or a path below which there is nothing to protect.',
        ),
      );
    }
  }
};

/** The app of this host that gets this path, and all below it that no other one has. */
function appFor(apps: readonly App[], host: string, path: string): App | undefined {
  const fit = apps.filter((app) => app.host.includes(host) && covers(app.path, path));
  return fit.toSorted((a, b) => b.path.length - a.path.length)[0];
}

const covers = (prefix: string, path: string): boolean =>
  prefix === '/' || path === prefix || path.startsWith(`${prefix}/`);
