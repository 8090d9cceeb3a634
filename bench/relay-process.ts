/**
 * The upstream and the clients of a relay, in a process of their own: `node bench/relay-process.ts`. Prints the
 * upstream's port, and then a line of JSON for each `RelayCommand` that it reads.
 *
 * @module
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Load } from './load.ts';
import { type Program, startProgram } from './programs.ts';
import { type OpenOptions, RelayClients } from './relay-clients.ts';
import { startRelayUpstream } from './relay-upstream.ts';

export type RelayCommand =
  | ({ readonly do: 'open' } & OpenOptions)
  | {
      readonly do: 'run';
      /** Of the proxy whose connections these are. */
      readonly port: number;
      readonly kind: 'events' | 'websocket';
      readonly perSecond: number;
      readonly seconds: number;
    };

export interface Relay extends Pick<Program, 'stop'> {
  /** Of the upstream. */
  readonly port: number;
  open(options: OpenOptions): Promise<void>;
  run(options: Omit<Extract<RelayCommand, { do: 'run' }>, 'do'>): Promise<Load>;
}

/** Starts such a process. */
export async function startRelay(): Promise<Relay> {
  const program = startProgram(process.execPath, [import.meta.filename], { side: 'around' });
  const { stdin, stdout, stderr } = program.child;
  if (stdin === null || stdout === null) throw new Error('Cannot start a relay process');
  let complaints = '';
  stderr?.setEncoding('utf8').on('data', (text: string) => (complaints = (complaints + text).slice(-4_000)));
  stdin.on('error', () => {}); // it has ended, which the next answer tells
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value } = await lines.next();
    if (typeof value === 'string') return value;
    if (program.child.exitCode === null && program.child.signalCode === null) await once(program.child, 'exit');
    throw new Error(`The relay process has ended:\n${complaints}`);
  };
  const ask = (command: RelayCommand): Promise<string> => {
    stdin.write(`${JSON.stringify(command)}\n`);
    return next();
  };
  return {
    port: Number(await next()),
    stop: program.stop,
    open: async (options) => void (await ask({ do: 'open', ...options })),
    run: async (options) => JSON.parse(await ask({ do: 'run', ...options })),
  };
}

async function serve(): Promise<void> {
  const upstream = await startRelayUpstream();
  const clients = new Map<number, RelayClients>();
  console.log(upstream.port);
  for await (const line of createInterface({ input: process.stdin })) {
    const command: RelayCommand = JSON.parse(line);
    const { port } = command;
    const here = clients.get(port) ?? new RelayClients();
    clients.set(port, here);
    if (command.do === 'open') {
      await here.open(command);
      console.log('{}');
    } else {
      const { kind, perSecond, seconds } = command;
      const send = (connection: number): void =>
        kind === 'events' ? upstream.send(`${port}-${connection}`) : here.sendFrame(connection);
      console.log(JSON.stringify(await here.run(perSecond, seconds, send)));
    }
  }
  process.exit();
}

if (import.meta.main) await serve();
