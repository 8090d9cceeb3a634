import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Loaded } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { KeptKeys, SigningKeyStore } from '../ports/signing-keys.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { openKeys } from '../stores/key-file.ts';
import { longestSealedKeys, openKeptKeys, SigningKeysError } from '../stores/signing-key-keeper.ts';
import { redisSigningKeys } from '../stores/signing-keys-redis.ts';
import { sqliteSigningKeys } from '../stores/signing-keys-sqlite.ts';
import { StateError } from '../stores/state-folder.ts';
import { KeyRing } from '../tokens/key-ring.ts';
import { sealer } from '../tokens/seal.ts';
import { newSigningKey, readSigningKey, type SigningKey } from '../tokens/signing-key.ts';
import { packSigningKeys, SigningRing } from '../tokens/signing-ring.ts';
import type { Arguments, Command, ExitStatus, Terminal } from './command.ts';
import { operator, recordCommand } from './command-audit.ts';
import { fileHelp } from './config-file.ts';
import { type OpenState, openState } from './open-state.ts';
import { loadedFor, speechOf, verbOf } from './speech.ts';
import { minute, table } from './table.ts';

type Verb = keyof typeof allowed;
type Issuer = Exclude<Config['issuer'], false>;

/** What a verb works with. */
interface Work {
  readonly state: OpenState;
  readonly store: SigningKeyStore;
  readonly sealer: Sealer;
  readonly issuer: Issuer;
  readonly loaded: Loaded;
  readonly args: Arguments;
  readonly terminal: Terminal;
}

/** `cardea signing-keys`: the keys that the issuer signs tokens with. */
export const signingKeys: Command = {
  name: 'signing-keys',
  summary: "list, turn or take away the keys that the issuer's tokens are signed with",
  operands: ['list|rotate|retire|reset', '[file]'],
  help: `list:   the keys that are published: which one signs, and from when on each does.
rotate: makes a new key. It signs after issuer.keys.publish_ahead, so that all verifiers know it by then; with --now
        at once, and verifiers that keep the key set (for five minutes) refuse its tokens until they ask again.
retire: takes the key --id away. Tokens that it has signed are refused as soon as verifiers ask for the key set again.
        If no other key can sign, a new one does at once.
reset:  forgets all keys, for when they cannot be opened any more. The gateway makes new ones.

Gateways hear of it within two seconds. After a key has become known to others: rotate --now, then retire it.
Works beside a running gateway, on the database or Redis that its configuration names. What is done is written into
the audit log, with the user of this machine who did it.
${fileHelp}`,
  options: {
    id: { type: 'string', value: 'kid', summary: 'the key to retire' },
    now: { type: 'boolean', summary: 'let the new key sign at once' },
    yes: { type: 'boolean', summary: 'for reset: tokens that are out are no longer good' },
    json: { type: 'boolean', summary: 'print JSON' },
  },
  async run(args, terminal) {
    const { misunderstood } = speechOf('signing-keys', terminal);
    const asked = verbOf(args, allowed);
    if (typeof asked === 'string') return misunderstood(asked);
    const { verb } = asked;
    if (verb === 'retire' && args.options['id'] === undefined) return misunderstood('retire needs --id');
    if (verb === 'reset' && args.options['yes'] !== true) return misunderstood('reset needs --yes');
    const loaded = loadedFor('signing-keys', asked.args, terminal);
    return typeof loaded === 'number' ? loaded : withKeys(verb, loaded, args, terminal);
  },
};

const allowed = {
  list: ['json'],
  rotate: ['now', 'json'],
  retire: ['id', 'json'],
  reset: ['yes', 'json'],
} as const;

/** Opens what the configuration names, and says in one line what is wrong with it. */
async function withKeys(verb: Verb, loaded: Loaded, args: Arguments, terminal: Terminal): Promise<ExitStatus> {
  const { issuer, state: folder } = loaded.config;
  const { failed: fail } = speechOf('signing-keys', terminal);
  if (issuer === false) return fail('there is no issuer in the configuration');
  if (issuer.keys.files !== undefined)
    return verb === 'list'
      ? listFiles(issuer.keys.files, loaded, args, terminal)
      : fail('these keys are files: change issuer.keys.files, and restart the gateway');
  // A key file that a command made would be another one than the gateway's.
  if (!existsSync(join(folder, 'keys.json')))
    return fail(`there is no keys.json in ${folder}: no gateway has run here`);
  let state: OpenState | undefined;
  try {
    const ring = new KeyRing(openKeys(folder, terminal.now()));
    state = openState(loaded, terminal.now, () => {}); // what it says comes as the error of the question as well
    const { redis } = state.stores;
    const store = redis === undefined ? state.database && sqliteSigningKeys(state.database) : redisSigningKeys(redis);
    if (store === undefined) return fail(`there is no database in ${folder}`);
    const own = sealer(ring, 'signing-keys', longestSealedKeys);
    const work: Work = { state, store, sealer: own, issuer, loaded, args, terminal };
    return await { list, rotate, retire, reset }[verb](work);
  } catch (error) {
    const known = [StoreUnavailable, StateError, SigningKeysError].some((kind) => error instanceof kind);
    if (!known || !(error instanceof Error)) throw error;
    return fail(error.message);
  } finally {
    await state?.close();
  }
}

async function list({ store, sealer: own, args, terminal }: Work): Promise<ExitStatus> {
  const kept = await store.read();
  return show(kept === undefined ? [] : openKeptKeys(kept, own), args, terminal);
}

function listFiles(
  files: NonNullable<Issuer['keys']['files']>,
  { files: contents }: Loaded,
  args: Arguments,
  terminal: Terminal,
): ExitStatus {
  const keys = files.flatMap(({ file, from = 0 }) => {
    const read = contents.read(file);
    return read.kind === 'ok' ? [{ ...readSigningKey(Buffer.from(read.value)), createdAt: from, usedFrom: from }] : [];
  });
  return show(keys, args, terminal);
}

function show(keys: readonly SigningKey[], args: Arguments, { stdout, now }: Terminal): ExitStatus {
  const ring = new SigningRing(keys);
  const signer = ring.signer(now());
  const rows = ring.keys.map(({ kid, algorithm, usedFrom, privateKey }) => {
    const isSigner = kid === signer?.kid;
    const state = isSigner ? 'signs' : privateKey !== undefined && usedFrom > now() ? 'waits' : 'verifies';
    return { id: kid, algorithm, state, signs_from: new Date(usedFrom).toISOString() };
  });
  if (args.options['json'] === true) {
    stdout.write(`${JSON.stringify({ keys: rows }, undefined, 2)}\n`);
    return 0;
  }
  const lines = rows.map(({ id, algorithm, state, signs_from: from }) => [
    id,
    algorithm,
    state,
    minute(Date.parse(from)),
  ]);
  stdout.write(
    lines.length === 0
      ? 'There are no keys yet: a gateway makes them when it starts.\n'
      : table(['ID', 'ALGORITHM', 'STATE', 'SIGNS FROM'], lines),
  );
  return 0;
}

async function rotate(work: Work): Promise<ExitStatus> {
  const { issuer, args, terminal } = work;
  const { algorithm, bits, publish_ahead: ahead } = issuer.keys;
  const now = terminal.now();
  const usedFrom = args.options['now'] === true ? now : now + ahead;
  const key = await newSigningKey({ algorithm, bits }, { createdAt: now, usedFrom });
  // Keys that still wait for their time would take the turn of this one.
  await change(work, (keys) => [...keys.filter((one) => one.usedFrom <= now || args.options['now'] === true), key]);
  await record('signing-key-made', key.kid, 'The key was made', work);
  say(
    work,
    { made: key.kid, signs_from: new Date(usedFrom).toISOString() },
    `The key ${key.kid} signs from ${minute(usedFrom)} on.`,
  );
  return 0;
}

async function retire(work: Work): Promise<ExitStatus> {
  const { issuer, args, terminal } = work;
  const id = String(args.options['id']);
  const now = terminal.now();
  const { algorithm, bits } = issuer.keys;
  const spare = await newSigningKey({ algorithm, bits }, { createdAt: now, usedFrom: now });
  let usesSpare = false;
  const found = await change(work, (keys) => {
    const left = keys.filter((key) => key.kid !== id);
    if (left.length === keys.length) return undefined;
    usesSpare = !left.some((key) => key.privateKey !== undefined && key.usedFrom <= now);
    return usesSpare ? [...left, spare] : left;
  });
  if (!found) {
    terminal.stderr.write('cardea signing-keys: there is no key with this id\n');
    return 1;
  }
  await record('signing-key-retired', id, 'The key was taken away', work);
  if (usesSpare) await record('signing-key-made', spare.kid, 'A key was made', work);
  const made = usesSpare ? spare.kid : null;
  say(
    work,
    { retired: id, made },
    `The key ${id} is taken away.${usesSpare ? ` The new key ${spare.kid} signs at once.` : ''}`,
  );
  return 0;
}

async function reset(work: Work): Promise<ExitStatus> {
  const { issuer, store, sealer: own, terminal } = work;
  const now = terminal.now();
  const { algorithm, bits } = issuer.keys;
  const key = await newSigningKey({ algorithm, bits }, { createdAt: now, usedFrom: now });
  for (let i = 0; i < attempts; i++) {
    const kept = await store.read();
    if (!(await store.replace(kept?.version, own.seal(packSigningKeys([key]))))) continue;
    await record('signing-key-made', key.kid, 'The key was made', work);
    say(work, { made: key.kid }, `All keys are forgotten. The new key ${key.kid} signs at once.`);
    return 0;
  }
  throw tooMany();
}

const attempts = 10;
const tooMany = (): StoreUnavailable => new StoreUnavailable('Somebody else changes the keys all the time: try again');

/** Replaces the keys by what `to` makes of them; false when that is nothing. */
async function change(
  { store, sealer: own }: Work,
  to: (keys: readonly SigningKey[]) => readonly SigningKey[] | undefined,
): Promise<boolean> {
  for (let i = 0; i < attempts; i++) {
    const kept: KeptKeys | undefined = await store.read();
    const keys = to(kept === undefined ? [] : openKeptKeys(kept, own));
    if (keys === undefined) return false;
    if (await store.replace(kept?.version, own.seal(packSigningKeys(keys)))) return true;
  }
  throw tooMany();
}

async function record(
  kind: 'signing-key-made' | 'signing-key-retired',
  key: string,
  done: string,
  { state, loaded, terminal }: Work,
): Promise<void> {
  const event = { kind, key, by: operator(terminal.env) };
  await recordCommand(state, loaded.config, terminal, event, { account: undefined, subject: undefined }, done);
}

function say({ args, terminal }: Work, json: object, text: string): void {
  terminal.stdout.write(args.options['json'] === true ? `${JSON.stringify(json)}\n` : `${text}\n`);
}
