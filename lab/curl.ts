/**
 * The real curl, signed in to the lab's domain.
 *
 * @module
 */

import { run } from './processes.ts';

export interface CurlRequest {
  readonly url: string;
  /** Credential cache of `kinit`; without one, curl has no ticket. */
  readonly ccache?: string;
  /** Where every host name of the lab is: the server's address. */
  readonly connectTo?: string;
  readonly headers?: readonly string[];
  /** Further arguments, such as `--data-binary @file`. */
  readonly args?: readonly string[];
}

export interface CurlResponse {
  readonly status: number;
  /** Of the last response; names in lower case, several values in the order that they came in. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

/** One request by `curl --negotiate`. The host name in the URL is resolved to `connectTo` (127.0.0.1). */
export async function curl(request: CurlRequest): Promise<CurlResponse> {
  const { hostname, port, protocol } = new URL(request.url);
  const at = `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}:${request.connectTo ?? '127.0.0.1'}`;
  const marker = '\n--curl-meta--';
  const args = [
    '-sS',
    '--max-time',
    '30',
    '--resolve',
    at,
    '-w',
    `${marker}{"status":%{http_code},"headers":%{header_json}}`,
  ];
  const negotiate = ['--negotiate', '-u', ':'];
  const headers = (request.headers ?? []).flatMap((header) => ['-H', header]);
  const all = [...args, ...negotiate, ...headers, ...(request.args ?? []), request.url];
  const output = await run('/usr/bin/curl', all, { env: { KRB5CCNAME: `FILE:${request.ccache ?? '/nonexistent'}` } });
  const end = output.lastIndexOf(marker);
  const meta: { status: number; headers: Record<string, string[]> } = JSON.parse(output.slice(end + marker.length));
  return { status: meta.status, headers: new Map(Object.entries(meta.headers)), body: output.slice(0, end) };
}
