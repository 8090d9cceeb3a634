import { addressText } from '../values/address.ts';
import { placeOf } from '../values/place.ts';
import { foldFieldName } from '../../wire/field-names.ts';
import { pathText } from '../problem.ts';
import type { App } from '../schema.ts';
import { type Check, error, wellFormedApps } from './check.ts';

/** Each app can be told from the others, by name and by address. */
export const checkAppsAreDistinct: Check = ({ config, report }) => {
  const names = new Map<string, string>();
  const places = new Map<string, string>();
  for (const { app, at } of wellFormedApps(config)) {
    const other = names.get(app.name);
    if (other !== undefined)
      report(error([...at, 'name'], `${other} has this name as well`, 'Give each app its own name.'));
    else names.set(app.name, pathText(at));

    for (const [i, host] of app.host.entries()) {
      const where = `${host}${app.path}`;
      const taken = places.get(where);
      if (taken !== undefined)
        report(
          error(
            [...at, 'host', i],
            `${taken} has the same host and path (${where})`,
            'Give one of them another host or path.',
          ),
        );
      else places.set(where, pathText(at));
      if (host === '*' && config.apps.length > 1)
        report(
          error(
            [...at, 'host', i],
            '"*" stands for any host, and there are several apps',
            'Write the host name of each app.',
          ),
        );
    }
  }
};

/** No app asks for paths that are Cardea's own, and none is behind itself. */
export const checkAppsAreReachable: Check = ({ config, report }) => {
  const { prefix, listen } = config;
  const own = new Set((listen ?? []).map((listener) => placeOf(`http://${addressText(listener.address)}`)));
  for (const { app, at } of wellFormedApps(config)) {
    if (prefix !== undefined && app.path !== '/' && isBelow(app.path, prefix))
      report(
        error(
          [...at, 'path'],
          `requests below ${prefix} are answered by Cardea itself`,
          'Choose another path for the app, or another prefix.',
        ),
      );
    for (const address of app.upstream.url)
      if (own.has(placeOf(address)))
        report(
          error([...at, 'upstream'], `${address} is Cardea's own address`, 'Write the address where the app listens.'),
        );
  }
};

/** What is said about the connections to an app has a meaning for its addresses. */
export const checkUpstreams: Check = ({ config, report }) => {
  for (const { app, at } of wellFormedApps(config)) {
    const { url: addresses, ca, client_certificate: own } = app.upstream;
    const [first = ''] = addresses;
    const how = first.startsWith('unix:') ? 'a socket' : 'http';
    if (!first.startsWith('https:')) {
      if (ca !== undefined)
        report(
          error(
            [...at, 'upstream', 'ca'],
            `the app is reached by ${how}, so that no certificate is checked`,
            'Write https://… in upstream.url, or remove ca.',
          ),
        );
      if (own !== undefined)
        report(
          error(
            [...at, 'upstream', 'client_certificate'],
            `the app is reached by ${how}, so that no certificate is shown`,
            'Write https://… in upstream.url, or remove client_certificate.',
          ),
        );
    }
    if (app.host_header === 'upstream' && (addresses.length > 1 || how === 'a socket'))
      report(
        error(
          [...at, 'host_header'],
          addresses.length > 1 ? 'upstream has several addresses, each with a host of its own' : 'a socket has no host',
          'Remove host_header: the app then sees the Host of the browser.',
        ),
      );
  }
};

/** No two identity values travel in one header, in any spelling that servers take for the same. */
export const checkHeaderNames: Check = ({ config, report }) => {
  for (const { app, at } of wellFormedApps(config)) {
    const taken = new Map<string, string>();
    for (const [value, name] of Object.entries(app.headers) as [keyof App['headers'], string | false][]) {
      if (name === false) continue;
      const other = taken.get(foldFieldName(name));
      if (other !== undefined)
        report(
          error(
            [...at, 'headers', value],
            `${name} also carries ${other} (case, "-", "_" and "." make no difference)`,
            'Give each value a header of its own, or false.',
          ),
        );
      else taken.set(foldFieldName(name), value);
    }
  }
};

const isBelow = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);
