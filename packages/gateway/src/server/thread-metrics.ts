/**
 * The metrics of all threads as one. What a dead thread has counted stays counted: a sum
 * that went down would look to Prometheus like a counter that began anew, and everything the other
 * threads ever counted like the work of the last minute.
 *
 * @module
 */
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue, type Registry } from 'prom-client';

/** The numbers of one registry as plain data. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

/** Numbers that only grow: those of the dead count. */
const growing: ReadonlySet<string> = new Set(['counter', 'histogram']);

/** So many dead threads are kept apart before their numbers are added up. */
const fewDeparted = 4;

/** Remembers the last numbers of each thread, and adds them up. */
export class ThreadMetrics {
  readonly #latest = new Map<number, MetricsSnapshot>();
  #departed: readonly MetricsSnapshot[] = [];

  /** The numbers of a thread as they are now. */
  note(thread: number, snapshot: MetricsSnapshot): void {
    this.#latest.set(thread, snapshot);
  }

  /** A thread has died, and another one begins in its place with nothing. What it counted since it was last asked is lost. */
  depart(thread: number): void {
    const last = this.#latest.get(thread);
    if (last === undefined) return;
    this.#latest.delete(thread);
    this.#departed = [...this.#departed, last.filter(({ type }) => growing.has(String(type)))];
  }

  /** All numbers together, with those of the supervising thread. */
  async with(own: Registry): Promise<{ readonly contentType: string; readonly text: string }> {
    await this.#compact();
    // What says of itself that it is left out of sums concerns the process, of which there is one.
    const kept = (await own.getMetricsAsJSON()).map((metric) =>
      metric.aggregator === 'omit' ? { ...metric, aggregator: 'first' as const } : metric,
    );
    const sum = added([kept, ...this.#latest.values(), ...this.#departed]);
    return { contentType: sum.contentType, text: await sum.metrics() };
  }

  async #compact(): Promise<void> {
    const departed = this.#departed;
    if (departed.length <= fewDeparted) return;
    const sum = await added(departed).getMetricsAsJSON();
    if (this.#departed === departed) this.#departed = [sum];
  }
}

const added = (snapshots: readonly MetricsSnapshot[]): Registry =>
  AggregatorRegistry.aggregate(snapshots.map((snapshot) => [...snapshot]));
