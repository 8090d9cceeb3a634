import type { Loaded } from '../config/load.ts';
import type { SessionStore, SessionSummary } from '../ports/session-store.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { StateError } from '../stores/state-folder.ts';
import type { Arguments, Command, ExitStatus, Terminal } from './command.ts';
import { operator, recordCommand } from './command-audit.ts';
import { fileHelp } from './config-file.ts';
import { confirm } from './confirm.ts';
import { type OpenState, openState } from './open-state.ts';
import { allSessions, revoke, type RevokeTarget } from './revoke-sessions.ts';
import { loadedFor, speechOf } from './speech.ts';
import { minute, printable, table } from './table.ts';

/** `cardea sessions`: who is signed in, and ending that. */
export const sessions: Command = {
  name: 'sessions',
  summary: 'list who is signed in, or end sessions',
  operands: ['list|revoke', '[file]'],
  help: `list:   who is signed in: person, method, address, device, app, since when and when last seen.
revoke: ends the session --id, all sessions of the person --user, or --all of them. It takes effect on every
        thread and replica within a second, whether the gateway runs now or is started later.

A person is named by account, UPN or subject, or by the account without its domain when that is clear.
Works beside a running gateway, on the database or Redis that its configuration names. What was revoked is written
into the audit log, with the user of this machine who did it.
${fileHelp}`,
  options: {
    user: { type: 'string', value: 'name', summary: 'the sessions of one person' },
    id: { type: 'string', value: 'id', summary: 'one session' },
    all: { type: 'boolean', summary: 'everybody (revoke asks first)' },
    yes: { type: 'boolean', summary: 'revoke --all without asking' },
    json: { type: 'boolean', summary: 'print JSON' },
  },
  async run(args, terminal) {
    const { misunderstood } = speechOf('sessions', terminal);
    const [verb, ...file] = args.positionals;
    if (verb !== 'list' && verb !== 'revoke') return misunderstood('say list or revoke');
    const target = targetOf(args);
    if (target === undefined) return misunderstood('name one of --user, --id and --all');
    if (target.kind === 'none' && verb === 'revoke') return misunderstood('revoke needs --user, --id or --all');

    const loaded = loadedFor('sessions', { ...args, positionals: file }, terminal);
    if (typeof loaded === 'number') return loaded;
    return withState(loaded, terminal, async (state) => {
      if (verb === 'list') return list(state, target, args, terminal);
      return target.kind === 'none' ? 2 : end(state, target, loaded, args, terminal);
    });
  },
};

/** Opens what the configuration names, and says in one line what is wrong with it. */
async function withState(
  loaded: Loaded,
  { stderr, now }: Terminal,
  work: (state: OpenState) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  let state: OpenState | undefined;
  try {
    state = openState(loaded, now, () => {}); // what it says comes as the error of the question as well
    return await work(state);
  } catch (error) {
    if (!(error instanceof StoreUnavailable || error instanceof StateError)) throw error;
    stderr.write(`cardea sessions: ${error.message}\n`);
    return 1;
  } finally {
    await state?.close();
  }
}

/** `undefined` when more than one is named. */
function targetOf({ options }: Arguments): RevokeTarget | { readonly kind: 'none' } | undefined {
  const { user, id, all } = options;
  const targets: RevokeTarget[] = [
    ...(typeof user === 'string' ? [{ kind: 'person', name: user } as const] : []),
    ...(typeof id === 'string' ? [{ kind: 'session', id } as const] : []),
    ...(all === true ? [{ kind: 'everybody' } as const] : []),
  ];
  return targets.length > 1 ? undefined : (targets[0] ?? { kind: 'none' });
}

async function list(
  { stores }: OpenState,
  target: RevokeTarget | { readonly kind: 'none' },
  { options }: Arguments,
  { stdout }: Terminal,
): Promise<ExitStatus> {
  const found = await sessionsOf(stores.sessions, target);
  if (options['json'] === true) {
    stdout.write(`${JSON.stringify({ sessions: found.map(plain) }, undefined, 2)}\n`);
    return 0;
  }
  const head = ['PERSON', 'METHOD', 'ADDRESS', 'DEVICE', 'APP', 'SINCE', 'LAST SEEN', 'ID'];
  const rows = found.map(({ account, provider, method, address, device, app = '', since, lastSeen, id }) => {
    const times = [minute(since), minute(lastSeen)];
    return [account, provider ?? method, address, device, app, ...times, id];
  });
  stdout.write(found.length === 0 ? 'Nobody is signed in.\n' : table(head, rows));
  return 0;
}

async function sessionsOf(
  store: SessionStore,
  target: RevokeTarget | { readonly kind: 'none' },
): Promise<readonly SessionSummary[]> {
  if (target.kind === 'session') {
    const one = await store.get(target.id);
    return one === undefined ? [] : [one];
  }
  return allSessions(store, target.kind === 'person' ? target.name : undefined);
}

async function end(
  state: OpenState,
  target: RevokeTarget,
  { config }: Loaded,
  { options }: Arguments,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { stdout, stderr, now, env } = terminal;
  if (state.database === undefined && config.redis === false) {
    stderr.write(`cardea sessions: there is no database in ${config.state}: no gateway has run here with it\n`);
    return 1;
  }
  if (target.kind === 'everybody' && options['yes'] !== true) {
    if (!(await confirm(terminal, 'This signs out everybody.'))) {
      stderr.write('cardea sessions: nothing was revoked; confirm with yes, or add --yes\n');
      return 1;
    }
  }
  const outcome = await revoke(state.stores, target, now());
  if (outcome.kind === 'ambiguous') {
    stderr.write(`cardea sessions: several people have that name; say which one, in quotation marks:\n`);
    for (const account of outcome.accounts) stderr.write(`  --user '${printable(account)}'\n`);
    return 1;
  }

  const { ended, people } = outcome;
  const [person] = people;
  const about = people.length === 1 && person !== undefined ? person : { account: undefined, subject: undefined };
  await recordCommand(
    state,
    config,
    terminal,
    {
      kind: 'session-revoked',
      ended: target.kind,
      key: target.kind === 'everybody' ? '' : target.kind === 'session' ? target.id : target.name,
      sessions: ended,
      by: operator(env),
    },
    { account: about.account, subject: about.subject },
    'The sessions have ended',
  );
  if (options['json'] === true) stdout.write(`${JSON.stringify({ revoked: target.kind, sessions: ended })}\n`);
  else stdout.write(`${words(target, ended, people[0]?.account)}\n`);
  return 0;
}

function words(target: RevokeTarget, ended: number, account: string | undefined): string {
  const count = `${ended} ${ended === 1 ? 'session' : 'sessions'}`;
  if (target.kind === 'everybody') return `Everybody is signed out (${count}).`;
  if (ended > 0) return `${printable(account ?? '')} is signed out (${count}).`;
  if (target.kind === 'session') return 'No such session is listed; it is revoked all the same.';
  const exactly =
    'Nobody of that name is listed; whoever has exactly this account, UPN or subject is signed out all the same.';
  return /[\\@]/.test(target.name)
    ? exactly
    : `${exactly} For an account of a domain, also one with tokens alone, say which: --user 'CORP\\${printable(target.name)}'.`;
}

const plain = (one: SessionSummary): object => ({
  ...one,
  since: new Date(one.since).toISOString(),
  lastSeen: new Date(one.lastSeen).toISOString(),
  expiresAt: new Date(one.expiresAt).toISOString(),
});
