import { createHash, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

/**
 * A value that must not be written down. It prints as `[secret]` wherever it is
 * printed (string, JSON, inspector) and is compared in constant time.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it where it is used, and keep the result nowhere. */
  reveal(): string {
    return this.#value;
  }

  /** Whether `other` is the same text. The time taken depends on neither text's contents. */
  equals(other: string): boolean {
    // Hashing first makes the lengths equal, so that not even the length leaks.
    return timingSafeEqual(digest(this.#value), digest(other));
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
