import { revocation } from '../auth/revocation-list.ts';
import type { Loaded } from '../config/load.ts';
import type { ApiKey, ApiKeys } from '../ports/api-keys.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { redisApiKeys } from '../stores/api-keys-redis.ts';
import { sqliteApiKeys } from '../stores/api-keys-sqlite.ts';
import { StateError } from '../stores/state-folder.ts';
import type { Arguments, Command, ExitStatus, Terminal } from './command.ts';
import { operator, recordCommand } from './command-audit.ts';
import { fileHelp } from './config-file.ts';
import { newKey } from './key-options.ts';
import { type OpenState, openState } from './open-state.ts';
import { loadedFor, speechOf, verbOf } from './speech.ts';
import { minute, printable, table } from './table.ts';

/** What a verb works with. */
interface Work {
  readonly state: OpenState;
  readonly keys: ApiKeys;
  readonly loaded: Loaded;
  readonly args: Arguments;
  readonly terminal: Terminal;
}

/** `cardea keys`: API keys for programs. */
export const keys: Command = {
  name: 'keys',
  summary: 'make, list and revoke API keys for programs',
  operands: ['create|list|show|revoke', '[file]'],
  help: `create: makes a key for --name and prints it, once: nobody can show it again. It belongs to the groups --group, and
        is good for the apps --app, the paths --path and the methods --method, or for all where nothing is said;
        what it may do there is decided by the rules of the app. With --may check it may also ask what other people
        may do (POST /auth/check). It ends after --expires, or after a year.
list:   the keys that are good; all that there have been with --all.
show:   one key, --id, without its secret.
revoke: ends the key --id, or the one that is called --name, within a second on every thread and replica.

Lists are written with commas: --path '/api/jobs/**,/api/status'.
Works beside a running gateway, on the database or Redis that its configuration names; without Redis, a gateway must
have run once. What is done is written into the audit log, with the user of this machine who did it.
${fileHelp}`,
  options: {
    name: { type: 'string', value: 'name', summary: 'what the key is for; apps get "key:<name>" as the account' },
    owner: { type: 'string', value: 'name', summary: 'who answers for it (default: you)' },
    app: { type: 'string', value: 'apps', summary: 'apps that it is for' },
    path: { type: 'string', value: 'paths', summary: 'paths that it is for, as in rules' },
    method: { type: 'string', value: 'methods', summary: 'HTTP methods that it is for' },
    group: { type: 'string', value: 'groups', summary: 'groups that it belongs to' },
    may: { type: 'string', value: 'rights', summary: 'check: ask the gateway about other people' },
    expires: { type: 'string', value: 'when', summary: '90d, 2027-01-31 or never' },
    id: { type: 'string', value: 'id', summary: 'one key' },
    all: { type: 'boolean', summary: 'list what is revoked and expired as well' },
    json: { type: 'boolean', summary: 'print JSON' },
  },
  async run(args, terminal) {
    const { misunderstood } = speechOf('keys', terminal);
    const asked = verbOf(args, allowed);
    if (typeof asked === 'string') return misunderstood(asked);
    const { verb } = asked;
    const { id, name } = args.options;
    if (verb === 'show' && id === undefined) return misunderstood('show needs --id');
    if (verb === 'revoke' && (id === undefined) === (name === undefined))
      return misunderstood('revoke needs --id or --name');

    const loaded = loadedFor('keys', asked.args, terminal);
    return typeof loaded === 'number' ? loaded : withKeys(loaded, args, terminal, { create, list, show, revoke }[verb]);
  },
};

const allowed = {
  create: ['name', 'owner', 'app', 'path', 'method', 'group', 'may', 'expires', 'json'],
  list: ['all', 'json'],
  show: ['id', 'json'],
  revoke: ['id', 'name', 'json'],
} as const;

/** Opens what the configuration names, and says in one line what is wrong with it. */
async function withKeys(
  loaded: Loaded,
  args: Arguments,
  terminal: Terminal,
  verb: (work: Work) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  const { failed } = speechOf('keys', terminal);
  let state: OpenState | undefined;
  try {
    state = openState(loaded, terminal.now, () => {}); // what it says comes as the error of the question as well
    const { redis } = state.stores;
    const kept = redis === undefined ? state.database && sqliteApiKeys(state.database) : redisApiKeys(redis);
    if (kept === undefined)
      return failed(`there is no database in ${loaded.config.state}: no gateway has run here with it`);
    return await verb({ state, keys: kept, loaded, args, terminal });
  } catch (error) {
    if (!(error instanceof StoreUnavailable || error instanceof StateError)) throw error;
    return failed(error.message);
  } finally {
    await state?.close();
  }
}

async function create({ state, keys: kept, loaded, args, terminal }: Work): Promise<ExitStatus> {
  const { stdout, stderr, now, env } = terminal;
  const made = newKey(args, loaded.config, operator(env), now());
  if (made.kind === 'wrong') {
    stderr.write(`cardea keys: nothing was made\n${made.message}\n`);
    return 2;
  }
  const { key, text } = made;
  if (!(await kept.create(key))) throw new StoreUnavailable('The store has a key with this id already: try once more');
  await record('api-key-created', key, 'The key was made', { state, loaded, terminal });
  if (args.options['json'] === true) {
    stdout.write(`${JSON.stringify({ ...plain(key, now()), key: text }, undefined, 2)}\n`);
    return 0;
  }
  // The key alone on standard output, so that it can go into a file or a password manager without being seen.
  stdout.write(`${text}\n`);
  stderr.write(`The key ${key.id} (${key.name}) was made; it is good until ${until(key)}. It cannot be shown again.\n`);
  if (!loaded.config.sign_in.some((entry) => Object.hasOwn(entry, 'api_key')))
    stderr.write('No app takes it yet: add "- api_key: {}" to sign_in.\n');
  return 0;
}

async function list({ keys: kept, args, terminal }: Work): Promise<ExitStatus> {
  const { stdout, now } = terminal;
  const found = (await kept.list()).filter((key) => args.options['all'] === true || stateOf(key, now()) === 'good');
  if (args.options['json'] === true) {
    stdout.write(`${JSON.stringify({ keys: found.map((key) => plain(key, now())) }, undefined, 2)}\n`);
    return 0;
  }
  const head = ['ID', 'NAME', 'OWNER', 'APPS', 'PATHS', 'METHODS', 'GROUPS', 'MAY', 'UNTIL', 'LAST USED', 'STATE'];
  const rows = found.map((key) => [
    key.id,
    key.name,
    key.owner,
    words(key.scope.apps),
    words(key.scope.paths),
    words(key.scope.methods),
    key.groups.join(',') || 'none',
    key.rights.join(',') || '-',
    until(key),
    key.lastUsedAt === undefined ? 'never' : minute(key.lastUsedAt),
    stateOf(key, now()),
  ]);
  stdout.write(found.length === 0 ? 'There are no API keys.\n' : table(head, rows));
  return 0;
}

async function show({ keys: kept, args, terminal }: Work): Promise<ExitStatus> {
  const { stdout, stderr, now } = terminal;
  const key = await kept.find(String(args.options['id']));
  if (key === undefined) {
    stderr.write('cardea keys: there is no key with this id\n');
    return 1;
  }
  const particulars = plain(key, now());
  if (args.options['json'] === true) stdout.write(`${JSON.stringify(particulars, undefined, 2)}\n`);
  else
    for (const [name, value] of Object.entries(particulars))
      stdout.write(
        `${name.padEnd(14)}${printable(typeof value === 'string' ? value : (value ?? ['-']).join(', ') || 'none')}\n`,
      );
  return 0;
}

async function revoke({ state, keys: kept, loaded, args, terminal }: Work): Promise<ExitStatus> {
  const { stdout, stderr, now } = terminal;
  const { id, name } = args.options;
  const all = await kept.list();
  const found = all.filter((key) =>
    id === undefined ? key.name === name && key.revokedAt === undefined : key.id === id,
  );
  const [key, ...others] = found;
  if (key === undefined) {
    stderr.write(`cardea keys: there is no key with this ${id === undefined ? 'name' : 'id'}\n`);
    return 1;
  }
  if (others.length > 0) {
    stderr.write('cardea keys: several keys have this name; say which one:\n');
    for (const one of found) stderr.write(`  --id ${one.id}   (made ${minute(one.createdAt)}, until ${until(one)})\n`);
    return 1;
  }
  // First for what is open already, such as streams: those hear of it by this list, and not by asking the store.
  await state.stores.revocations.add([revocation({ kind: 'api-key', key: key.id, reason: 'administrator' }, now())]);
  if (await kept.revoke(key.id, now()))
    await record('api-key-revoked', key, 'The key is revoked', { state, loaded, terminal });
  else stderr.write('It was revoked before.\n');
  if (args.options['json'] === true) stdout.write(`${JSON.stringify({ revoked: key.id })}\n`);
  else stdout.write(`The key ${key.id} (${printable(key.name)}) is revoked.\n`);
  return 0;
}

async function record(
  kind: 'api-key-created' | 'api-key-revoked',
  { id, name, owner }: ApiKey,
  done: string,
  { state, loaded, terminal }: Pick<Work, 'state' | 'loaded' | 'terminal'>,
): Promise<void> {
  const about = { account: `key:${name}`, subject: `api_key:${id}` };
  const event = { kind, key: id, name, owner, by: operator(terminal.env) };
  await recordCommand(state, loaded.config, terminal, event, about, done);
}

type KeyState = 'good' | 'expired' | 'revoked';

function stateOf({ revokedAt, expiresAt }: ApiKey, now: number): KeyState {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && now >= expiresAt ? 'expired' : 'good';
}

const words = (values: readonly string[] | undefined): string =>
  values === undefined ? 'all' : values.join(',') || 'none';

const until = ({ expiresAt }: ApiKey): string => (expiresAt === undefined ? 'revoked' : minute(expiresAt));

/** What may be known about a key: all but its hash. */
const plain = (key: ApiKey, now: number): Readonly<Record<string, string | readonly string[] | null>> => {
  const time = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());
  return {
    id: key.id,
    name: key.name,
    owner: key.owner,
    state: stateOf(key, now),
    apps: key.scope.apps ?? 'all',
    paths: key.scope.paths ?? 'all',
    methods: key.scope.methods ?? 'all',
    groups: key.groups,
    may: key.rights,
    created_at: time(key.createdAt),
    expires_at: time(key.expiresAt),
    last_used_at: time(key.lastUsedAt),
    revoked_at: time(key.revokedAt),
  };
};
