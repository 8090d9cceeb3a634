/**
 * Machines of their own on one: network namespaces, with cables (veth) between them.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { attempt, run, type RunResult } from '../../lab/processes.ts';

const ip = '/usr/sbin/ip';

/** For `skip`: false, or why there are no namespaces on this machine. */
export function noNamespaces(): string | false {
  if (process.getuid?.() !== 0) return 'network namespaces need the root user';
  const name = `cardea-try-${process.pid}`;
  const made = spawnSync(ip, ['netns', 'add', name], { encoding: 'utf8' });
  if (made.error !== undefined) return 'ip is not installed: run "npm run lab:install" on Debian 12 as root';
  if (made.status !== 0) return `this machine gives no network namespaces: ${made.stderr.trim()}`;
  const usable = spawnSync(ip, ['netns', 'exec', name, ip, 'link', 'set', 'lo', 'up'], { encoding: 'utf8' });
  spawnSync(ip, ['netns', 'del', name]);
  return usable.status === 0 ? false : `this machine lets nobody into a network namespace: ${usable.stderr.trim()}`;
}

/** One machine. */
export interface Machine {
  readonly name: string;
  /** Runs a program there to its end, whatever that is. */
  attempt(program: string, args: readonly string[], options?: { readonly cwd?: string }): Promise<RunResult>;
  /** Starts one, which ends with the machine. */
  start(program: string, args: readonly string[], cwd: string): ChildProcess;
  /** Whether it passes packets on between its networks. */
  forward(on: boolean): Promise<void>;
  /** Sends everything that is for nobody it knows to this address. */
  route(gateway: string): Promise<void>;
}

/** Machines and cables; all of them are gone after `close`. */
export class Network {
  readonly #machines: string[] = [];
  readonly #running: ChildProcess[] = [];

  async machine(short: string): Promise<Machine> {
    const name = `cardea-${process.pid}-${short}`;
    await run(ip, ['netns', 'add', name]);
    this.#machines.push(name);
    const inside = (program: string, args: readonly string[]): string[] => ['netns', 'exec', name, program, ...args];
    await run(ip, inside(ip, ['link', 'set', 'lo', 'up']));
    return {
      name,
      attempt: (program, args, options = {}) => attempt(ip, inside(program, args), options),
      start: (program, args, cwd) => {
        const child = spawn(ip, inside(program, args), { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
        this.#running.push(child);
        return child;
      },
      forward: async (on) => {
        await run(ip, inside('/bin/sh', ['-c', `echo ${on ? 1 : 0} > /proc/sys/net/ipv4/ip_forward`]));
      },
      route: async (gateway) => {
        await run(ip, inside(ip, ['route', 'add', 'default', 'via', gateway]));
      },
    };
  }

  /** A cable between two machines, each with an address at its end (`10.77.1.2/24`). */
  async cable(one: readonly [Machine, string], other: readonly [Machine, string]): Promise<void> {
    const names = [0, 1].map((end) => `c${process.pid % 100_000}x${Network.#cables}${end}`);
    Network.#cables++;
    const ends = [
      [names[0] ?? '', one],
      [names[1] ?? '', other],
    ] as const;
    await run(ip, ['link', 'add', ends[0][0], 'type', 'veth', 'peer', 'name', ends[1][0]]);
    for (const [name, [machine, address]] of ends) {
      await run(ip, ['link', 'set', name, 'netns', machine.name]);
      for (const args of [
        ['address', 'add', address, 'dev', name],
        ['link', 'set', name, 'up'],
      ])
        await run(ip, ['netns', 'exec', machine.name, ip, ...args]);
    }
  }

  static #cables = 0;

  async close(): Promise<void> {
    for (const child of this.#running) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    for (const name of this.#machines) await attempt(ip, ['netns', 'del', name]);
  }
}
