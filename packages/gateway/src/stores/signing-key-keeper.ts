/**
 * Keeps the issuer's keys: makes the first, makes further ones when they are due, takes over what
 * others have made, and seals them again when the key ring has turned.
 *
 * @module
 */
import type { Sealer } from '../ports/sealer.ts';
import type { KeptKeys, SigningKeyStore } from '../ports/signing-keys.ts';
import { sealedBy } from '../tokens/seal.ts';
import { newSigningKey, type SigningKey } from '../tokens/signing-key.ts';
import {
  dueAt,
  packSigningKeys,
  type SigningRing,
  type SigningSchedule,
  unpackSigningKeys,
} from '../tokens/signing-ring.ts';

/** Private keys and their numbers: some kilobytes each. */
export const longestSealedKeys = 1024 * 1024;

/** The keys cannot be used. The message says what to do, and has nothing of a key. */
export class SigningKeysError extends Error {
  override readonly name = 'SigningKeysError';
}

/** What was kept, opened. Throws `SigningKeysError`. */
export function openKeptKeys(kept: KeptKeys, sealer: Sealer): readonly SigningKey[] {
  const bytes = sealer.open(kept.text);
  if (bytes === undefined)
    throw new SigningKeysError(
      'Cannot use the signing keys: they were sealed with a key that is not in keys.json. Restore that file, or remove ' +
        'them with "cardea signing-keys reset": new ones are then made, and tokens that are out are no longer good',
    );
  return unpackSigningKeys(bytes);
}

export interface KeeperOptions {
  readonly store: SigningKeyStore;
  readonly sealer: Sealer;
  /** Told of all keys. */
  readonly ring: SigningRing;
  readonly schedule: SigningSchedule;
  /** The id of the key that seals now. */
  readonly sealingKey: () => string;
  readonly now: () => number;
  /** After the ring has got other keys; `made`: the id of a key that was made here. */
  readonly onChanged: (made: string | undefined) => void;
  readonly onTrouble: (message: string) => void;
}

export interface Keeper {
  /** The first look has been taken: there are keys, unless they cannot be had. Never rejects. */
  readonly ready: Promise<void>;
  /** Takes a look now. Never rejects. */
  look(): Promise<void>;
  close(): Promise<void>;
}

/** How often it looks whether somebody else has changed something, or something is due. */
const lookEveryMs = 2_000;
/** While there is no key at all. */
const lookSoonMs = 1_000;
/** Others may be faster; not for ever. */
const attempts = 5;

/** Begins to keep them. */
export function keepSigningKeys(options: KeeperOptions): Keeper {
  const { store, sealer, ring, schedule, sealingKey, now, onChanged, onTrouble } = options;
  /** What was read or kept last. No two texts are the same, whatever their versions: a store that was emptied counts anew. */
  let known: string | undefined;
  let trouble: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let closed = false;

  /** False when somebody else was faster. */
  async function attempt(): Promise<boolean> {
    const kept = await store.read();
    if (kept !== undefined && kept.text !== known) {
      ring.replace(openKeptKeys(kept, sealer));
      known = kept.text;
      onChanged(undefined);
    }
    // A store that has lost its memory gets back what is known here.
    const due = dueAt(ring.keys, schedule, now());
    const isKept = kept !== undefined && due.kept.length === ring.keys.length && sealedBy(kept.text) === sealingKey();
    if (isKept && due.newFrom === undefined) return true;
    const made =
      due.newFrom === undefined
        ? undefined
        : await newSigningKey(schedule, { createdAt: now(), usedFrom: due.newFrom });
    const keys = made === undefined ? due.kept : [...due.kept, made];
    // Kept first: what signs can then be had by everybody.
    const text = sealer.seal(packSigningKeys(keys));
    if (!(await store.replace(kept?.version, text))) return false;
    known = text;
    ring.replace(keys);
    onChanged(made?.kid);
    return true;
  }

  async function lookOnce(): Promise<void> {
    try {
      for (let i = 0; i < attempts; i++) if (await attempt()) break;
      trouble = undefined;
    } catch (error) {
      const message = error instanceof Error ? error.message : 'unknown error';
      if (message !== trouble) onTrouble(`The issuer's keys cannot be brought up to date: ${message}`);
      trouble = message;
    }
  }

  function look(): Promise<void> {
    clearTimeout(timer);
    looking ??= lookOnce().finally(() => {
      looking = undefined;
      if (closed) return;
      timer = setTimeout(() => void look(), ring.keys.length === 0 ? lookSoonMs : lookEveryMs);
      timer.unref();
    });
    return looking;
  }

  return {
    ready: look(),
    look,
    async close() {
      closed = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
