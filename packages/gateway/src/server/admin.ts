/**
 * The second address, for machines: metrics, liveness and readiness. It knows no
 * person and no app, and belongs on loopback or in a network of its own.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Directory } from '../ports/directory.ts';
import { type AdminExplain, explainPath } from './admin-explain.ts';
import { type AdminUsage, usagePath } from './admin-usage.ts';
import type { Handler, Reply, RequestHead, Verdict } from '../wire/http.ts';

export interface AdminParts {
  /** All metrics as text, and the type of that text. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly directory: Directory | undefined;
  readonly database: DatabaseSync;
  readonly explain: AdminExplain;
  readonly usage: AdminUsage;
  /** The gateway is stopping: load balancers should look elsewhere. */
  readonly draining: () => boolean;
  /** Where threads serve: how many do, and how many should. */
  readonly threads?: () => { readonly running: number; readonly wanted: number };
  /** Whether those who serve know what has been revoked. */
  readonly revocations: () => Promise<RevocationsState>;
  /** The store that replicas share, if there is one. */
  readonly redis?: {
    /** Throws when it does not answer. */
    readonly ping: () => Promise<void>;
    /** Sessions lie in it: without it nobody is let in. */
    readonly needed: boolean;
  };
}

/** `stale`: as it was some time ago. `unknown`: nobody is let in. */
export type RevocationsState = 'ok' | 'stale' | 'unknown';

/** Answers `/metrics`, `/healthz`, `/readyz`, `/api/explain` and `/api/usage`. */
export class AdminHandler implements Handler {
  readonly #parts: AdminParts;

  constructor(parts: AdminParts) {
    this.#parts = parts;
  }

  decide(head: RequestHead): Verdict | Promise<Verdict> {
    const path = head.target.split('?')[0];
    if (path === explainPath) return this.#parts.explain.decide(head);
    if (path === usagePath) return this.#parts.usage.decide(head);
    if (head.method !== 'GET' && head.method !== 'HEAD')
      return replied(text(405, 'Only GET is answered here\n', ['Allow', 'GET, HEAD']));
    if (path === '/healthz') return replied(text(200, 'ok\n'));
    if (path === '/readyz') return this.#ready();
    if (path === '/metrics') return this.#metrics();
    return replied(text(404, 'Here are /metrics, /healthz, /readyz, /api/explain and /api/usage\n'));
  }

  upstreamFailed(): Reply {
    return text(502, 'There is no upstream here\n');
  }

  badRequest(status: number, detail: string): Reply {
    return { ...text(status, `${detail}\n`), close: true };
  }

  /**
   * Ready means: sends me people. The database is needed for every Kerberos sign-in (replays), so without it the
   * answer is 503. Without the directory, sessions and sign-ins go on with the names that are remembered: degraded, 200.
   * The same while a thread that has died is started again; without any thread nobody is served.
   *
   * Redis is shared: when it is down it is down for all replicas, and a load balancer without any would turn away those
   * whose sealed cookies are good. So that is degraded, 200, unless sessions lie there, or a start has not learned yet
   * what is revoked.
   */
  async #ready(): Promise<Verdict> {
    const checks: Record<string, string> = {};
    try {
      this.#parts.database.prepare('SELECT 1').get();
      checks['database'] = 'ok';
    } catch {
      checks['database'] = 'failed';
    }
    if (this.#parts.directory !== undefined) checks['directory'] = await reachable(this.#parts.directory);
    const { redis } = this.#parts;
    if (redis !== undefined) checks['redis'] = await reachable(redis);
    checks['revocations'] = await this.#parts.revocations();
    const threads = this.#parts.threads?.();
    if (threads !== undefined)
      checks['threads'] = threads.running === threads.wanted ? 'ok' : `${threads.running} of ${threads.wanted}`;
    if (this.#parts.draining()) checks['gateway'] = 'stopping';
    const ready =
      checks['database'] === 'ok' &&
      checks['revocations'] !== 'unknown' &&
      !(redis?.needed === true && checks['redis'] === 'failed') &&
      threads?.running !== 0 &&
      !this.#parts.draining();
    const status = !ready ? 'not-ready' : Object.values(checks).every((check) => check === 'ok') ? 'ready' : 'degraded';
    const body = `${JSON.stringify({ status, checks })}\n`;
    return replied({
      status: ready ? 200 : 503,
      fields: ['Content-Type', 'application/json', 'Cache-Control', 'no-store'],
      body,
    });
  }

  async #metrics(): Promise<Verdict> {
    const { contentType, text: body } = await this.#parts.metrics();
    return replied({ status: 200, fields: ['Content-Type', contentType], body });
  }
}

async function reachable(other: Pick<Directory, 'ping'>): Promise<string> {
  try {
    await other.ping();
    return 'ok';
  } catch {
    return 'failed';
  }
}

const text = (status: number, body: string, extra: readonly string[] = []): Reply => ({
  status,
  fields: ['Content-Type', 'text/plain; charset=utf-8', 'Cache-Control', 'no-store', ...extra],
  body,
});

const replied = (reply: Reply): Verdict => ({ kind: 'reply', reply });
