import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseDuration } from '../config/values/duration.ts';
import { reasonOf, type Side } from '../doctor/check.ts';
import { type Examination, examine } from '../doctor/examine.ts';
import { checks } from '../doctor/registry.ts';
import { exitStatusOf, jsonReport, prometheusReport, textReport } from '../doctor/report.ts';
import type { Arguments, Command, ExitStatus, Terminal } from './command.ts';
import { fileHelp, loadNamed, noFile } from './config-file.ts';
import { formatProblems } from './format-problems.ts';
import { speechOf } from './speech.ts';

/** `cardea doctor`: is this deployment really safe? */
export const doctor: Command = {
  name: 'doctor',
  summary: 'try whether a deployment is really safe',
  operands: ['[file]'],
  help: `Tries everything on the deployment checklist, from where it runs, and says of each thing whether it passes, fails or
is unknown; what was tried, what was seen, and what to do. It asks and looks, and changes nothing.

Run it as the gateway's user on the gateway's machine (--from gateway, the default), on the machine of the apps
(--from app), and where people sit (--from outside): only from there is it to be seen whether an app can be
reached around the gateway. From app and outside, files and secrets of the configuration need not be there.
${fileHelp}
With --every it runs until it is stopped, and writes its findings for Prometheus into --textfile.

Exit status: 0 everything passes, 1 something fails, 2 the command was not understood, 3 nothing fails, but
something is unknown.`,
  options: {
    config: { type: 'string', value: 'file', summary: 'the configuration' },
    from: { type: 'string', value: 'side', summary: 'gateway (or inside), app or outside' },
    target: { type: 'string', value: 'addresses', summary: "the gateway's and the app's machines, for --from outside" },
    url: { type: 'string', value: 'urls', summary: 'addresses that browsers use, when something stands in front' },
    ca: { type: 'string', value: 'file', summary: 'PEM of an authority that browsers trust and this machine does not' },
    dns: { type: 'string', value: 'server', summary: 'a name server to ask' },
    only: { type: 'string', value: 'ids', summary: 'these checks or findings alone' },
    timeout: { type: 'string', value: 'time', summary: 'for one attempt; default: 3s' },
    every: { type: 'string', value: 'time', summary: 'again and again, for example 5m' },
    textfile: {
      type: 'string',
      value: 'file',
      summary: 'where findings go for Prometheus; it is replaced in one step',
    },
    json: { type: 'boolean', summary: 'print JSON' },
  },
  run,
};

const sides: Readonly<Record<string, Side>> = { gateway: 'gateway', inside: 'gateway', app: 'app', outside: 'outside' };

async function run(args: Arguments, terminal: Terminal): Promise<ExitStatus> {
  const { stderr, cwd } = terminal;
  const { misunderstood } = speechOf('doctor', terminal);
  const option = (name: string): string | undefined => {
    const value = args.options[name];
    return typeof value === 'string' ? value : undefined;
  };
  const list = (name: string): readonly string[] =>
    option(name)
      ?.split(',')
      .map((one) => one.trim()) ?? [];

  const side = sides[option('from') ?? 'gateway'];
  if (side === undefined) return misunderstood('--from is gateway, app or outside');
  const named = option('config');
  if (named !== undefined && args.positionals.length > 0) return misunderstood('name the configuration once');
  const badUrl = list('url').some((text) => !URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol));
  if (badUrl) return misunderstood('--url is a list of addresses such as https://desk.corp.example');
  const ids = new Set(checks.flatMap(({ id, finds }) => [id, ...Object.keys(finds)]));
  const stranger = list('only').find((id) => !ids.has(id));
  if (stranger !== undefined)
    return misunderstood(`--only: there is no check and no finding "${stranger.slice(0, 40)}"`);
  const attempt = parseDuration(option('timeout') ?? '3s', { min: '100ms', max: '1m' });
  if (attempt.kind === 'wrong') return misunderstood(`--timeout: ${attempt.message}`);
  const every = parseDuration(option('every') ?? '1h', { min: '1s', max: '7d' });
  if (every.kind === 'wrong') return misunderstood(`--every: ${every.message}`);
  let ca: string | undefined;
  try {
    const file = option('ca');
    ca = file === undefined ? undefined : readFileSync(resolve(cwd, file), 'utf8');
  } catch {
    return misunderstood('--ca: the file cannot be read');
  }

  const textfile = option('textfile');
  const once = async (): Promise<ExitStatus> => {
    const positionals = named === undefined ? args.positionals : [named];
    const loaded = loadNamed({ ...args, positionals }, terminal, { production: true, withFiles: side === 'gateway' });
    if (loaded === undefined) return misunderstood(noFile);
    const { result } = loaded;
    const usable = result.kind === 'ok' ? result : result.faulty;
    if (usable === undefined) {
      stderr.write(formatProblems(result.problems));
      stderr.write('cardea doctor: the configuration cannot be read, and nothing was tried\n');
      return 1;
    }
    return report({
      side,
      loaded: usable,
      problems: result.problems,
      withFiles: side === 'gateway',
      now: terminal.now,
      targets: list('target'),
      urls: list('url').map((text) => new URL(text)),
      ca,
      dns: option('dns'),
      only: list('only'),
      attemptMs: attempt.value,
      checkMs: 10 * attempt.value,
    });
  };
  const report = async (examination: Examination): Promise<ExitStatus> => {
    const started = performance.now();
    const findings = await examine(examination);
    const now = terminal.now();
    if (textfile !== undefined) {
      const durationMs = performance.now() - started;
      try {
        replace(resolve(cwd, textfile), prometheusReport(findings, checks, { side, now, durationMs }));
      } catch (error) {
        stderr.write(`cardea doctor: --textfile cannot be written: ${reasonOf(error)}\n`);
        return 1;
      }
    }
    if (textfile === undefined || option('every') === undefined)
      terminal.stdout.write(
        args.options['json'] === true ? jsonReport(findings, side, now) : textReport(findings, checks),
      );
    return exitStatusOf(findings);
  };

  if (option('every') === undefined) return once();
  for (;;) {
    const status = await once();
    if (status !== 0) stderr.write(`cardea doctor: ${status === 1 ? 'something fails' : 'something is unknown'}\n`);
    if (!(await waited(every.value, terminal.stop))) return status;
  }
}

/** False when it was told to stop. */
async function waited(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await pause(ms, undefined, signal === undefined ? {} : { signal });
    return true;
  } catch {
    return false;
  }
}

/** The collector reads the file at any time: it finds the one before or the new one, whole. */
function replace(file: string, text: string): void {
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, text, { mode: 0o644 });
  renameSync(draft, file);
}
