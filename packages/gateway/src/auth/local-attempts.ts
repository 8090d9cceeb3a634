import type { Attempts, Limited } from '../ports/attempts.ts';
import { Throttle } from './throttle.ts';

/** Attempts as this process alone counts them. `maxKeys`: remembered at most of each kind; default 10,000. */
export function localAttempts(maxKeys = 10_000): Attempts {
  const throttles = new Map<
    string,
    { readonly limit: number; readonly windowMs: number; readonly throttle: Throttle }
  >();

  /** Where the limit has become another one, as a domain's may, counting begins anew. */
  function throttleFor({ kind, limit, windowMs }: Limited): Throttle {
    const known = throttles.get(kind);
    if (known?.limit === limit && known.windowMs === windowMs) return known.throttle;
    const throttle = new Throttle({ limit, windowMs, maxKeys });
    throttles.set(kind, { limit, windowMs, throttle });
    return throttle;
  }

  return {
    begin(limited, now) {
      const wait = Math.max(0, ...limited.map((one) => throttleFor(one).wait(one.key, now)));
      if (wait === 0) for (const one of limited) throttleFor(one).begin(one.key, now);
      return wait;
    },
    release({ forgive, clear }) {
      for (const one of forgive) throttleFor(one).forgive(one.key);
      for (const one of clear) throttleFor(one).clear(one.key);
    },
  };
}
