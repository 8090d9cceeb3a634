/**
 * The process entry: hands the command line to `cli/`, and starts and stops a gateway for `cardea serve`.
 *
 * @module
 */
import { runCli } from './cli/run.ts';
import type { Gateway } from './app/gateway.ts';
import type { Loaded } from './config/load.ts';

/** A terminal's Ctrl-C can arrive twice: from the terminal, and by way of whatever started us. */
const SAME_SIGNAL_MS = 500;

let failed = false;

async function serve(loaded: Loaded): Promise<void> {
  // Loaded here, so that `cardea check` need not load the whole gateway first.
  const { startGateway } = await import('./app/gateway.ts');
  // Before the start, since the signal ends a process that does not listen for it.
  let gateway: Gateway | undefined;
  process.on('SIGHUP', () => void gateway?.look());
  gateway = await startGateway(loaded);
  failed = await Promise.race([gateway.failed.then(() => true), stopSignal().then(() => false)]);
  await gateway.close();
}

/** The first signal to stop. From then on a second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let first: { readonly signal: string; readonly at: number } | undefined;
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        const now = performance.now();
        if (first === undefined) {
          first = { signal, at: now };
          resolve();
        } else if (signal !== 'SIGINT' || first.signal !== 'SIGINT' || now - first.at > SAME_SIGNAL_MS) process.exit(1);
      });
  });
}

const status = await runCli(process.argv.slice(2), { serve });
process.exitCode = failed ? 1 : status;
