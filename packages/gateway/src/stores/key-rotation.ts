import type { KeyRing } from '../tokens/key-ring.ts';
import { rotated } from '../tokens/key-ring.ts';
import { openKeys, saveKeys } from './key-file.ts';

export interface KeyRotationOptions {
  /** The state directory with the key file. */
  readonly state: string;
  readonly ring: KeyRing;
  /** A new generation is due when the newest one is this old. */
  readonly everyMs: number;
  /** The longest life of anything sealed or signed: so long old keys are kept. */
  readonly longestUseMs: number;
  readonly now: () => number;
  /** Told of each rotation, and when one failed (the old keys then go on). */
  readonly onRotated: (keyId: string) => void;
  readonly onTrouble: (message: string) => void;
}

/** How often it looks whether a rotation is due. */
const lookEveryMs = 60_000;

/**
 * Replaces the newest key when it is due, now and from then on; `close` ends it. The file is read again first, so that
 * a generation that somebody else made in the meantime is taken over instead of a further one.
 */
export function startKeyRotation(options: KeyRotationOptions): { close(): void } {
  const look = (): void => {
    try {
      rotateIfDue(options);
    } catch (error) {
      options.onTrouble(`Cannot rotate keys: ${error instanceof Error ? error.message : 'unknown error'}`);
    }
  };
  look();
  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}

function rotateIfDue({ state, ring, everyMs, longestUseMs, now, onRotated }: KeyRotationOptions): void {
  const isDue = (createdAt: number): boolean => now() - createdAt >= everyMs;
  if (!isDue(ring.newest.createdAt)) return;
  ring.replace(openKeys(state, now()));
  if (!isDue(ring.newest.createdAt)) return;
  const keys = rotated(ring.keys, now(), longestUseMs);
  saveKeys(state, keys);
  ring.replace(keys);
  onRotated(ring.newest.id);
}
