import { foldFieldName } from '../../wire/field-names.ts';
import { type Check, error, warning, wellFormedApps } from './check.ts';

/** A key that Cardea shows to an app is for those whom it has let in, and goes by no name that says something else. */
export const checkUpstreamCredential: Check = ({ config, report }) => {
  for (const { app, at } of wellFormedApps(config)) {
    const { credential } = app.upstream;
    const counted = app.limits !== undefined;
    if (credential === undefined && !counted) continue;
    if (config.forward_auth !== undefined && config.forward_auth.length > 0)
      report(
        warning(
          counted ? [...at, 'limits'] : [...at, 'upstream', 'credential'],
          `${counted ? 'requests are counted' : 'the key is sent'} only where they go through Cardea: a proxy that asks by forward_auth gets 404 for this app`,
          "Send this app's requests to Cardea itself, and leave the proxy the others.",
        ),
      );
    if (credential === undefined) continue;
    const place = [...at, 'upstream', 'credential'];
    if (app.sign_in === 'none')
      report(
        error(
          place,
          'everybody could use this key: the app has sign_in: none',
          'Let people sign in, or remove the key.',
        ),
      );
    const header = foldFieldName(credential.header);
    const same = Object.entries(app.headers).find(([, name]) => name !== false && foldFieldName(name) === header);
    if (same !== undefined)
      report(
        error(place, `${credential.header} tells the app something else: headers.${same[0]}`, 'Give one another name.'),
      );
  }
};
