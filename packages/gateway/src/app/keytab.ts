/**
 * The Kerberos acceptor of a configuration, with the keys of its keytab: of the one that is there now.
 *
 * @module
 */
import {
  type Acceptor,
  createAcceptor,
  type Keytab,
  KeytabError,
  parseKeytab,
  type ReplayCache,
} from '@cardea/kerberos';
import { keytabFaults } from '../config/checks/keytab.ts';
import type { Negotiate } from '../config/schema.ts';
import type { FileWatch } from '../stores/file-watch.ts';
import type { Read } from './read.ts';
import { type ReplacementOptions, watchReplacement } from './watches.ts';

export interface KeytabParts extends Pick<ReplacementOptions, 'log' | 'everyMs'> {
  readonly read: Read;
  readonly replayCache: ReplayCache;
}

/**
 * An acceptor whose keys are replaced when the file has changed (`watchReplacement`). Tickets for keys that are no longer in the
 * file are refused from then on.
 */
export function watchedAcceptor(
  options: Negotiate,
  { read, replayCache, ...watching }: KeytabParts,
): { readonly acceptor: Acceptor; readonly watch: FileWatch } {
  const file = options.keytab;
  const inUse = read(file);
  let current = acceptorOf(parseKeytab(inUse), options, replayCache);
  const watch = watchReplacement({
    ...watching,
    what: 'keytab',
    file,
    inUse,
    take(contents) {
      const keytab = readKeytab(contents);
      if (typeof keytab === 'string') return [keytab];
      const faults = keytabFaults(keytab, options).map(({ message }) => message);
      if (faults.length === 0) current = acceptorOf(keytab, options, replayCache);
      return faults;
    },
  });
  return { acceptor: { accept: (token, context) => current.accept(token, context) }, watch };
}

/** The keytab, or what is wrong with it. */
function readKeytab(bytes: Uint8Array): Keytab | string {
  try {
    return parseKeytab(bytes);
  } catch (error) {
    if (error instanceof KeytabError || error instanceof RangeError) return error.message;
    throw error;
  }
}

function acceptorOf(keytab: Keytab, options: Negotiate, replayCache: ReplayCache): Acceptor {
  return createAcceptor({
    keytab,
    requirePac: options.pac === 'required',
    replayCache,
    maxSkewMs: options.clock_skew,
    requireChannelBindings: options.channel_bindings === 'required',
    dangerouslyAllowRc4: options.dangerously_allow_rc4,
    // A keytab may hold other services of this machine, such as host/: their tickets are not for us.
    services: options.services ?? keytab.principals.filter((name) => /^HTTP\//i.test(name)),
    ...(options.realms === undefined ? {} : { clientRealms: options.realms }),
  });
}
