/**
 * What a load generator found out. Latencies include the time that a request waits behind others, so under full load
 * they say more about the load than about the server.
 *
 * @module
 */
import { quantile } from './sample.ts';

export interface Load {
  readonly requests: number;
  readonly seconds: number;
  readonly failures: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** Sums up requests of which each one's latency in milliseconds is known. */
export function loadOf(latencies: readonly number[], seconds: number, failures: number): Load {
  const sorted = latencies.toSorted((a, b) => a - b);
  return { requests: sorted.length, seconds, failures, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
}

/** Reads the line that `wrk-report.lua` prints. */
export function parseWrk(output: string): Load {
  const text = /^JSON (\{.*\})$/m.exec(output)?.[1];
  if (text === undefined) throw new Error(`Cannot read the report of wrk:\n${output.slice(-2_000)}`);
  const { requests, microseconds, failures, p50, p99 }: Record<string, number | undefined> = JSON.parse(text);
  if (requests === undefined || microseconds === undefined || failures === undefined)
    throw new Error(`Cannot read the report of wrk: ${text}`);
  const ms = (value: number | undefined): number | undefined => value && value / 1_000;
  return { requests, seconds: microseconds / 1e6, failures, p50Ms: ms(p50), p99Ms: ms(p99) };
}
