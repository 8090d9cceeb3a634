import { entryId } from '../sign-in-entries.ts';
import { type Check, error, wellFormedApps } from './check.ts';

/** The ways to sign in that an app names exist. */
export const checkAppSignIn: Check = ({ config, report }) => {
  const { sign_in: entries } = config;
  if (entries === undefined) return;
  const ids = entries.flatMap((entry) => entryId(entry) ?? []);
  for (const { app, at } of wellFormedApps(config)) {
    if (app.sign_in === undefined || app.sign_in === 'none') continue;
    for (const [i, id] of app.sign_in.entries()) {
      const place = [...at, 'sign_in', i];
      if (!ids.includes(id))
        report(
          error(
            place,
            `there is no sign-in method "${id}"`,
            ids.length === 0
              ? 'Add an entry of this name to sign_in.'
              : `Add an entry of this name to sign_in, or use one of these: ${ids.join(', ')}.`,
          ),
        );
      else if (app.sign_in.indexOf(id) < i) report(error(place, `"${id}" is already in the list`, 'Name it once.'));
    }
  }
};
