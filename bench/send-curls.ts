/**
 * The real curl, as people run it: a process, a connection and a Kerberos token of its own for each request.
 *
 * @module
 */
import { environment } from '../lab/files.ts';
import { type Load, loadOf } from './load.ts';
import { atPace } from './pace.ts';
import { runProgram } from './programs.ts';

export const curlPath = '/usr/bin/curl';

export interface CurlLoad {
  readonly url: string;
  /** The server's port on loopback. */
  readonly port: number;
  /** Credential caches, which take turns. */
  readonly ccaches: readonly string[];
  readonly count: number;
  readonly perSecond: number;
}

/** `curl --negotiate -X POST` at a steady rate. A latency is what curl tells as the total: making the token counts, starting curl does not. */
export async function sendCurls({ url, port, ccaches, count, perSecond }: CurlLoad): Promise<Load> {
  // The certificate is not one that anybody has signed.
  const common = ['-sSk', '--max-time', '30', '--connect-to', `::127.0.0.1:${port}`, '-o', '/dev/null'];
  const args = [...common, '-w', '%{http_code} %{time_total}', '--negotiate', '-u', ':', '-X', 'POST', url];
  const latencies: number[] = [];
  let failures = 0;

  const one = async (ccache: string): Promise<void> => {
    const env = environment({ KRB5CCNAME: `FILE:${ccache}` });
    const output = await runProgram(curlPath, args, { side: 'around', env, timeoutMs: 40_000 });
    const [status = '', seconds = ''] = output.split(' ');
    latencies.push(Number(seconds) * 1_000);
    if (status !== '200') failures++;
  };
  const running: Promise<void>[] = [];
  const startedAt = performance.now();
  await atPace(perSecond, count / perSecond, () => {
    const ccache = ccaches[running.length % ccaches.length];
    if (ccache === undefined) throw new RangeError('Cannot run curl: there is nobody to ask');
    const asking = one(ccache);
    asking.catch(() => {}); // it is reported below, when all have been started
    running.push(asking);
  });
  await Promise.all(running);
  return loadOf(latencies, (performance.now() - startedAt) / 1_000, failures);
}
