/**
 * Sign-in with `Authorization: Negotiate` (RFC 4559): the token goes to the Kerberos
 * acceptor, and what the ticket says becomes an identity.
 *
 * @module
 */
import type { AcceptedClient, Acceptor } from '@cardea/kerberos';
import type { Identity } from '../core/identity.ts';
import { oneEachTurn } from '../core/one-each-turn.ts';
import { type Directory, DirectoryError, type Person } from '../ports/directory.ts';
import type { Authenticator, Credentials, Outcome } from './authenticator.ts';
import { withGroupNames } from './group-names.ts';

export interface NegotiateOptions {
  readonly acceptor: Acceptor;
  /**
   * The session's length. The ticket's own end (often ten hours after the person's logon) does not shorten it: a ticket
   * shows who is there now, and the browser gets the next one silently; two ends would only surprise people.
   */
  readonly lifetimeMs: number;
  /** NetBIOS names by realm (`CHILD.CORP.EXAMPLE` to `CHILD`), for people of other realms than the service's own. */
  readonly domains?: Readonly<Record<string, string>>;
  /** Gives group names and e-mail addresses; without one, groups are SIDs only. */
  readonly directory?: Directory | undefined;
  /** The groups of the ticket are not taken: all of the person's are asked of the directory. */
  readonly lookUpGroups?: boolean;
}

/** Longest `Authorization` value: what Windows servers are told to allow for people with many groups. */
const maxTokenLength = 64 * 1024;

/** Where an unfinished negotiation waits for its next leg, on the client's own connection. */
const memoryKey = 'negotiate';

/** Computer accounts (`name$`) sign in like anyone else; what they may do is the policy's business. */
export function negotiate(options: NegotiateOptions): Authenticator {
  const { acceptor, directory, lookUpGroups = false } = options;
  const turn = oneEachTurn();

  return {
    id: 'negotiate',
    kind: 'negotiate',
    scope: 'session',
    challenge: 'Negotiate',

    async authenticate({ authorization, connection, now }: Credentials): Promise<Outcome> {
      const token = readToken(authorization);
      if (token === undefined) return { kind: 'absent' };
      if (token === 'malformed')
        return rejected(
          'token-malformed',
          'The Authorization field is not "Negotiate" with one base64 token of at most 64 KiB',
        );

      const state = connection.memory.get(memoryKey);
      connection.memory.delete(memoryKey); // a negotiation is continued once, or not at all
      const { certificateHash } = connection;
      await turn();
      const result = await acceptor.accept(token, {
        now,
        ...(certificateHash === undefined ? {} : { certificateHash }),
        ...(state === undefined ? {} : { state }),
      });
      switch (result.kind) {
        case 'continue':
          connection.memory.set(memoryKey, result.state);
          return { kind: 'continue', replyHeader: header(result.reply) };
        case 'failed':
          // Only a wrong clock is something that a client can act on. Any other reply would do harm: Chromium gives up
          // with a network error where it shows the page that comes with a bare challenge.
          return rejected(
            result.failure.code,
            result.failure.message,
            result.failure.code === 'clock-skew' ? result.reply : undefined,
          );
        case 'accepted': {
          const own = identityOf(result.client, options, now);
          // What the directory knows of the person comes with the groups then.
          const { identity, note } = lookUpGroups
            ? { identity: { ...own, sids: [] }, note: undefined }
            : await describe(own, directory, now);
          const notes = [pacNote(result.client), note].filter((text) => text !== undefined);
          return {
            kind: 'accepted',
            identity,
            lookUpGroups,
            replyHeader: result.reply && header(result.reply),
            note: notes.length > 0 ? notes.join('; ') : undefined,
          };
        }
      }
    },
  };
}

/** The token of a Negotiate field (RFC 4559, 4.2; scheme without regard to case, RFC 9110, 11.1); `undefined` for another scheme. */
function readToken(authorization: string | undefined): Uint8Array | 'malformed' | undefined {
  if (authorization === undefined || !/^negotiate(?: |$)/i.test(authorization)) return undefined;
  if (authorization.length > maxTokenLength) return 'malformed';
  const text = authorization.slice('negotiate'.length).replace(/^ +/, '');
  const token = Buffer.from(text, 'base64');
  // Buffer also takes base64url, spaces and missing padding: only the one form of RFC 4648, 4 is a token.
  return token.length > 0 && token.toString('base64') === text ? token : 'malformed';
}

const header = (token: Uint8Array): string => `Negotiate ${Buffer.from(token).toString('base64')}`;

function rejected(reason: string, detail: string, reply?: Uint8Array): Outcome {
  return { kind: 'rejected', reason, detail, replyHeader: reply && header(reply) };
}

/** What the ticket alone tells: no group names, no e-mail address. */
function identityOf(client: AcceptedClient, options: NegotiateOptions, now: number): Identity {
  const { principal, realm, pac } = client;
  const logon = pac?.logon;
  const sid = logon?.userSid ?? pac?.sid;
  return {
    subject: sid ?? `${principal}@${realm}`,
    account: accountOf(client, options.domains ?? {}),
    upn: upnOf(client, options.domains ?? {}),
    name: logon?.fullName || undefined,
    email: undefined,
    sids: logon?.groupSids ?? [],
    groups: [],
    method: 'negotiate',
    authenticatedAt: now,
    provenAt: now,
    expiresAt: now + options.lifetimeMs,
  };
}

/**
 * `DOMAIN\name`, so that two people never meet in one account:
 *
 * - Without a PAC only the principal is known, and that is a word that AD lets people choose (`bob$` also answers to `bob`): the
 *   realm is written out, whatever is configured.
 * - What a PAC says of the domain's short name counts for clients of the service's own realm: the KDC of a trusted
 *   realm may write ours there. Its clients get the short name that is configured for their realm, or the realm.
 */
function accountOf(client: AcceptedClient, domains: Readonly<Record<string, string>>): string {
  const { principal, realm, pac } = client;
  const name = pac?.logon?.accountName || pac?.samName;
  if (name === undefined || name === '') return `${realm}\\${principal}`;
  const told = isOwnRealm(client) ? pac?.logon?.domainName : undefined;
  return `${told || configured(domains, realm) || realm}\\${name}`;
}

/** The PAC's UPN, with the same reservation as above. */
function upnOf(client: AcceptedClient, domains: Readonly<Record<string, string>>): string {
  const { principal, realm, pac } = client;
  const believed = isOwnRealm(client) || configured(domains, realm) !== undefined;
  return (believed ? pac?.upn : undefined) ?? `${principal}@${realm.toLowerCase()}`;
}

const isOwnRealm = ({ service, realm }: AcceptedClient): boolean => service.endsWith(`@${realm}`);

const configured = (domains: Readonly<Record<string, string>>, realm: string): string | undefined =>
  Object.hasOwn(domains, realm) ? domains[realm] : undefined;

function pacNote({ pac }: AcceptedClient): string | undefined {
  if (pac === undefined) return 'the ticket has no PAC, so the person has no groups';
  return pac.note;
}

/** Adds what the directory knows. It may be down: the person is signed in all the same, and the note says what is missing. */
async function describe(
  identity: Identity,
  directory: Directory | undefined,
  now: number,
): Promise<{ readonly identity: Identity; readonly note: string | undefined }> {
  const [named, person] = await Promise.all([
    withGroupNames(identity, directory, now),
    directory === undefined || !/^S-1-[0-9-]+$/.test(identity.subject)
      ? undefined
      : personOf(directory, identity.subject, now),
  ]);
  if (person === undefined) return named;
  return {
    identity: { ...named.identity, name: named.identity.name ?? person.name, email: person.email },
    note: named.note ?? person.note,
  };
}

type Described = Partial<Person> & { readonly note?: string };

async function personOf(directory: Directory, sid: string, now: number): Promise<Described | undefined> {
  try {
    return await directory.person(sid, now);
  } catch (error) {
    if (!(error instanceof DirectoryError)) throw error;
    return { note: `no e-mail address: ${error.message}` };
  }
}
