/**
 * The process entry: hands the command line to `cli/`, and starts and stops a gateway for `cardea serve`.
 *
 * @module
 */
import { runCli } from './cli/run.ts';

process.exitCode = await runCli(process.argv.slice(2), {
  serve: async (loaded) => {
    // Loaded here, so that `cardea check` need not load the whole gateway first.
    const { startGateway } = await import('./app.ts');
    const gateway = await startGateway(loaded);
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    });
    await gateway.close();
  },
});
