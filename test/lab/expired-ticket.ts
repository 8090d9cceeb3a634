/**
 * A client that does not know that its ticket has expired.
 *
 * @module
 */

import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Makes the tickets in a credential cache look good for a week. Only the client's own note of the end time is
 * changed; the sealed ticket says what the KDC wrote, and that is what an acceptor must go by.
 */
export function pretendLongLife(ccache: string, nowSeconds: number): void {
  const bytes = readFileSync(ccache);
  const near = (seconds: number): boolean => Math.abs(seconds - nowSeconds) < 3_600;
  let changed = 0;
  for (let at = 0; at + 16 <= bytes.length; at++) {
    // authtime, starttime, endtime, renew-till of one credential: four numbers of 32 bits in a row
    const end = bytes.readUInt32BE(at + 8);
    const isTimes = near(bytes.readUInt32BE(at)) && near(bytes.readUInt32BE(at + 4)) && end > nowSeconds;
    if (!isTimes || end > nowSeconds + 86_400) continue;
    bytes.writeUInt32BE(nowSeconds + 7 * 86_400, at + 8);
    changed++;
  }
  if (changed === 0) throw new Error('Cannot change the credential cache: it holds no times of today');
  writeFileSync(ccache, bytes);
}
