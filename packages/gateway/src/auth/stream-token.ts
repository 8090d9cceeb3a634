/**
 * Stream tokens: what a caller puts into the address of an event stream or WebSocket,
 * where no header can be sent. A token is sealed, so that any replica opens it and nobody
 * reads it; it is good for one GET of one path of one app, and ends with the claim that
 * is made of its number.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { Directory } from '../ports/directory.ts';
import type { ReplayCache } from '../ports/replay-cache.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { Authenticator, Credentials, Outcome, Rejected } from './authenticator.ts';
import { withGroupNames } from './group-names.ts';
import { PackedReader, PackedWriter } from './packed.ts';
import { packSession, type Session, unpackSession } from './session.ts';

/** What a token is bound to. */
export interface StreamTarget {
  readonly app: string;
  /** A canonical path. */
  readonly path: string;
  /** Whether everything below the path counts as well: a job with its parts. */
  readonly below: boolean;
}

export interface StreamTokens {
  /** A new token for the person (or program) of this session; `undefined` when there are too many groups for an address. */
  issue(target: StreamTarget, session: Session, now: number): string | undefined;
  open(token: string): OpenedStreamToken | undefined;
}

export interface OpenedStreamToken extends StreamTarget {
  /** Its number, for the one claim. */
  readonly number: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly session: Session;
}

/** Servers and proxies take addresses of this length without complaint; most refuse those beyond 16 KiB. */
const maxTokenLength = 8 * 1024;

const form = 1;

/** Makes and opens tokens. `sealer`: for the purpose `stream` alone. */
export function streamTokens(sealer: Sealer, lifetimeMs: number): StreamTokens {
  return {
    issue({ app, path, below }, session, now) {
      const packed = new PackedWriter();
      packed.number(form);
      packed.bytes(randomBytes(16));
      // Never beyond the sign-in that it was made of.
      packed.number(Math.min(now + lifetimeMs, session.identity.expiresAt));
      packed.text(app);
      packed.text(path);
      packed.number(below ? 1 : 0);
      packed.bytes(packSession(session));
      const token = sealer.seal(packed.end());
      return token.length <= maxTokenLength ? token : undefined;
    },

    open(token) {
      const plain = token.length <= maxTokenLength ? sealer.open(token) : undefined;
      // What passed the seal was written here, so a fault in it means another version of Cardea.
      try {
        return plain && read(new PackedReader(plain));
      } catch {
        return undefined;
      }
    },
  };
}

function read(packed: PackedReader): OpenedStreamToken | undefined {
  if (packed.number() !== form) return undefined;
  const number = Buffer.from(packed.bytes()).toString('base64url');
  const expiresAt = packed.number();
  const app = packed.text();
  const path = packed.text();
  const below = packed.number() === 1;
  const session = unpackSession(packed.bytes());
  packed.end();
  return session && { number, expiresAt, app, path, below, session };
}

export interface StreamTokenOptions {
  readonly id?: string;
  readonly tokens: StreamTokens;
  readonly claims: Pick<ReplayCache, 'claim'>;
  /** Whether the sign-in that a token was made of has been revoked since, or the API key. */
  readonly isRevoked: (session: Session, now: number) => boolean | Promise<boolean>;
  /** Names the groups of people whose session carries them as SIDs. */
  readonly directory: Directory | undefined;
}

/** Stream tokens as a sign-in method. */
export function streamToken(options: StreamTokenOptions): Authenticator {
  const { tokens, claims } = options;
  return {
    id: options.id ?? 'stream_token',
    kind: 'stream_token',
    scope: 'request',
    challenge: undefined,

    authenticate(credentials: Credentials): Outcome | Promise<Outcome> {
      const { streamToken: token, now } = credentials;
      if (token === undefined) return { kind: 'absent' };
      const opened = tokens.open(token);
      if (opened === undefined)
        return rejected('stream-token-invalid', 'the stream token was not made here, or altered');
      const fault = faultOf(opened, credentials);
      if (fault !== undefined) return fault;
      return accepted(opened, options, now, () => claims.claim(`stream:${opened.number}`, opened.expiresAt));
    },
  };
}

function faultOf(token: OpenedStreamToken, { app, method, path, now }: Credentials): Rejected | undefined {
  if (now >= token.expiresAt) return rejected('stream-token-expired', 'the stream token has expired');
  if (method !== 'GET') return rejected('stream-token-method', `the stream token is for GET, not for ${method}`);
  if (app !== token.app)
    return rejected('stream-token-other-app', `the stream token is for ${token.app}, not for ${app}`);
  // Compared as they are: another spelling of the path is another path here, so none can reach further.
  if (path === token.path || (token.below && path.startsWith(token.path === '/' ? '/' : `${token.path}/`)))
    return undefined;
  return rejected('stream-token-other-path', `the stream token is for ${token.path.slice(0, 200)}`);
}

async function accepted(
  { session }: OpenedStreamToken,
  { isRevoked, directory }: StreamTokenOptions,
  now: number,
  spend: () => boolean | Promise<boolean>,
): Promise<Outcome> {
  if (await isRevoked(session, now))
    return rejected('stream-token-revoked', 'the sign-in that the stream token was made of has been revoked');
  const { identity, note } =
    session.groupsFrom === 'directory'
      ? await withGroupNames(session.identity, directory, now)
      : { identity: session.identity, note: undefined };
  const { id, provider, providerSession, groupsFrom } = session;
  const madeOf = { id, providerSession };
  return { kind: 'accepted', identity, note, spend, provider, madeOf, lookUpGroups: groupsFrom === 'lookup' };
}

const rejected = (reason: string, detail: string): Rejected => ({ kind: 'rejected', reason, detail });
