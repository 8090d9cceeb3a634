import type { App } from './apps.ts';
import type { Live } from './live.ts';

/**
 * Whether an app takes the sign-in that somebody has. The endpoints are shared by all apps of a host, which may differ in
 * how people sign in to them: what is handed out for one app must not be had by way of another.
 */
export function isTakenHere(app: App, live: Live): boolean {
  return app.signIn !== 'none' && app.signIn.providers.has(live.session.provider ?? '');
}
