/** Usage in a real PostgreSQL: what every store of usage does, and what happens when the server is away, slow, foreign or shared. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type LabPostgres, noPostgres, startPostgres } from '../../lab/postgres.ts';
import { run } from '../../lab/processes.ts';
import { Secret } from '../../packages/gateway/src/core/secret.ts';
import { type Ran, runIn } from '../../packages/gateway/src/cli/testing.ts';
import type { UsageStore } from '../../packages/gateway/src/ports/usage.ts';
import { openPostgres, type Postgres, type PostgresOptions } from '../../packages/gateway/src/stores/postgres.ts';
import { migrateTables } from '../../packages/gateway/src/stores/postgres-tables.ts';
import { aRecord, sampleRecords, usageContract } from '../../packages/gateway/src/stores/usage.contract.ts';
import { type PostgresUsageOptions, postgresUsage } from '../../packages/gateway/src/stores/usage-postgres.ts';
import { send, startTestGateway } from '../../packages/gateway/test/harness.ts';

const all = { by: 'person', since: 0, until: 4e12, app: undefined } as const;
const day = 86_400_000;

let server: LabPostgres;
/** What a test that fails would leave open. */
const closers: (() => unknown)[] = [];
const closeAll = async (): Promise<void> => {
  for (const close of closers.splice(0)) await close();
};

/** How the role of the lab gets to a database there. */
const at = (database: string, more: Partial<PostgresOptions> = {}): PostgresOptions => ({
  place: { host: '127.0.0.1', port: server.port, database },
  user: 'cardea',
  password: new Secret('cardea-password'),
  tls: false,
  timeoutMs: 5_000,
  ...more,
});

interface Opened {
  readonly store: UsageStore;
  readonly trouble: readonly string[];
  readonly recovery: readonly string[];
}

/** A store, and what it has said. */
function open(postgres: PostgresOptions, more: Partial<PostgresUsageOptions> = {}): Opened {
  const trouble: string[] = [];
  const recovery: string[] = [];
  const store = postgresUsage({
    postgres,
    retainMs: 90 * day,
    onTrouble: (message) => void trouble.push(message),
    onRecovery: (message) => void recovery.push(message),
    delayMs: 1,
    retryMs: 20,
    ...more,
  });
  closers.push(() => store.close());
  return { store, trouble, recovery };
}

/** A connection beside a store. */
function connectTo(options: PostgresOptions): Postgres {
  const postgres = openPostgres(options);
  closers.push(() => postgres.close());
  return postgres;
}

/** How many rows there are, asked beside the store. */
async function rowsIn(database: string): Promise<number> {
  const [row] = await server.sql('SELECT count(*)::int AS rows FROM cardea.usage', database);
  return Number(row?.['rows']);
}

suite('usage in PostgreSQL', { skip: noPostgres }, () => {
  before(async () => {
    server = await startPostgres();
  });
  afterEach(closeAll);
  after(() => server.close());

  usageContract('postgres', async () => {
    const postgres = at(await server.freshDatabase());
    const opened = () =>
      postgresUsage({ postgres, retainMs: 90 * day, onTrouble: assert.fail, onRecovery: assert.fail });
    return { store: opened(), reopen: opened };
  });

  test('postgresUsage() makes its tables once, however many gateways start at the same time', async () => {
    const database = await server.freshDatabase();
    const opened = Array.from({ length: 8 }, () => open(at(database)));
    for (const { store } of opened) store.record(aRecord());
    await eventually(async () => (await rowsIn(database).catch(() => 0)) === opened.length, 'all to have written');
    assert.deepEqual(
      opened.flatMap(({ trouble }) => trouble),
      [],
    );
    await Promise.all(opened.map(({ store }) => store.close()));
    const done = await server.sql('SELECT part, number FROM cardea.migrations', database);
    assert.deepEqual(done, [{ part: 'usage', number: 1 }]);
  });

  test('postgresUsage() of two gateways loses nothing and counts nothing twice when the server crashes and comes back', async (t) => {
    const database = await server.freshDatabase();
    const opened = [open(at(database)), open(at(database))];
    let sent = 0;
    const timer = setInterval(() => {
      for (const { store } of opened) store.record(aRecord());
      sent += opened.length;
    }, 1);
    t.after(() => clearInterval(timer));
    await eventually(() => sent > 200, 'records');
    await server.stop('crash');
    await eventually(() => opened.every(({ trouble }) => trouble.length > 0), 'both to notice');
    const before = sent;
    await eventually(() => sent > before + 200, 'records in the meantime');
    await server.start();
    await eventually(() => opened.every(({ recovery }) => recovery.length > 0), 'both to recover');
    clearInterval(timer);
    await Promise.all(opened.map(({ store }) => store.close()));
    assert.equal(await rowsIn(database), sent);
    for (const { trouble, recovery } of opened) {
      assert.equal(trouble.length, 1, trouble.join('\n'));
      assert.match(trouble[0] ?? '', /^Usage records cannot be written and wait: PostgreSQL at 127/);
      assert.deepEqual(recovery, [`Usage records can be written again, to PostgreSQL at 127.0.0.1:${server.port}`]);
    }
  });

  test('postgresUsage() counts a record once when nobody knows whether it was committed', async () => {
    const database = await server.freshDatabase();
    const between = await relay(server.port);
    const { store, trouble } = open(at(database, { place: { host: '127.0.0.1', port: between.port, database } }));
    store.record(aRecord());
    await eventually(async () => (await rowsIn(database).catch(() => 0)) === 1, 'the tables');
    between.loseAnswerTo('COMMIT');
    store.record(aRecord());
    await eventually(() => trouble.length > 0, 'the lost answer');
    await store.close();
    assert.deepEqual([await rowsIn(database), between.lost()], [2, 1]);
  });

  test('postgresUsage() gives up a connection that has gone silent, and writes by another one', async () => {
    const database = await server.freshDatabase();
    const between = await relay(server.port);
    const place = { host: '127.0.0.1', port: between.port, database };
    const { store, recovery } = open(at(database, { place, timeoutMs: 300 }));
    store.record(aRecord());
    await eventually(async () => (await rowsIn(database).catch(() => 0)) === 1, 'the tables');
    between.silence();
    store.record(aRecord());
    await eventually(() => recovery.length > 0, 'another connection');
    assert.equal(await rowsIn(database), 2);
    await store.close();
  });

  test('postgresUsage() waits for a table that somebody has locked, and no longer than it may', async () => {
    const database = await server.freshDatabase();
    const { store, trouble, recovery } = open(at(database, { timeoutMs: 200 }));
    store.record(aRecord());
    await eventually(async () => (await rowsIn(database).catch(() => 0)) === 1, 'the tables');
    const other = connectTo(at(database));
    await other.transaction(async (sql) => {
      await sql('LOCK TABLE cardea.usage');
      store.record(aRecord());
      await eventually(() => trouble.length > 0, 'it to give up');
    });
    await eventually(() => recovery.length > 0, 'it to write');
    assert.match(trouble[0] ?? '', /cannot be used: it takes too long$/);
    assert.equal(await rowsIn(database), 2);
    await store.close();
  });

  test('postgresUsage() makes its tables again when somebody has taken them away', async () => {
    const database = await server.freshDatabase();
    const { store, trouble, recovery } = open(at(database));
    store.record(aRecord());
    await eventually(async () => (await rowsIn(database).catch(() => 0)) === 1, 'the tables');
    await server.sql('DROP SCHEMA cardea CASCADE', database);
    store.record(aRecord());
    await eventually(() => recovery.length > 0, 'new tables');
    await store.close();
    assert.match(trouble.join(), /its tables are not there/);
    assert.equal(await rowsIn(database), 1);
  });

  test('postgresUsage() of a gateway whose clock is ahead leaves the records of others alone', async () => {
    const database = await server.freshDatabase();
    const { store } = open(at(database));
    store.record(aRecord({ time: Date.now() }));
    store.record(aRecord({ time: Date.now() + 400 * day }));
    await store.close();
    assert.equal(await rowsIn(database), 2);
  });

  test('migrateTables() brings older tables to the newest form, and what was there stays; older gateways go on', async () => {
    const database = await server.freshDatabase();
    const old = open(at(database));
    old.store.record(aRecord());
    await eventually(async () => (await rowsIn(database).catch(() => 0)) === 1, 'the tables');
    const upgrade = connectTo(at(database));
    const next = [`ALTER TABLE cardea.usage ADD COLUMN region text NOT NULL DEFAULT 'eu'`];
    const newer = { part: 'usage', migrations: ['SELECT 1 / 0', ...next] };
    await Promise.all([1, 2, 3].map(() => upgrade.transaction((sql) => migrateTables(sql, newer))));
    old.store.record(aRecord());
    await old.store.close();
    const rows = await server.sql('SELECT region FROM cardea.usage', database);
    assert.deepEqual(rows, [{ region: 'eu' }, { region: 'eu' }]);
    assert.deepEqual(old.trouble, []);
    // One that starts now cannot know what the newer form means.
    const late = open(at(database));
    await eventually(() => late.trouble.length > 0, 'its refusal');
    await late.store.close();
    assert.match(late.trouble[0] ?? '', /its tables for usage have form 2, this version of Cardea knows 1/);
  });

  test('migrateTables() leaves everything as it was when a step fails', async () => {
    const database = await server.freshDatabase();
    const postgres = connectTo(at(database));
    const faulty = { part: 'usage', migrations: ['CREATE TABLE cardea.half (a int)', 'SELECT 1 / 0'] };
    await assert.rejects(
      postgres.transaction((sql) => migrateTables(sql, faulty)),
      /error 22012/,
    );
    const [left] = await server.sql(`SELECT to_regnamespace('cardea') AS left`, database);
    assert.deepEqual(left, { left: null });
  });

  for (const [what, change, message] of [
    ['a wrong password', { password: new Secret('x') }, /does not take this user name and password/],
    ['no password', { password: undefined }, /it wants a password/],
    ['an unknown role', { user: 'nobody' }, /does not take this user name and password/],
    ['a server without TLS', { tls: { ca: undefined } }, /it does not speak TLS/],
  ] as const)
    test(`postgresUsage() says what is wrong: ${what}`, async () => {
      const { store } = open(at(await server.freshDatabase(), change));
      await assert.rejects(store.query(all), message);
      await store.close();
    });

  test('postgresUsage() says what is wrong: no such database', async () => {
    const { store } = open(at('none'));
    await assert.rejects(store.query(all), /it has no such database/);
    await store.close();
  });

  test('postgresUsage() takes no database that has no place for all names', async () => {
    const database = await server.freshDatabase(`ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`);
    const { store, trouble } = open(at(database));
    await eventually(() => trouble.length > 0, 'its refusal');
    assert.match(trouble[0] ?? '', /the database has encoding LATIN1/);
    await store.close();
  });

  test('postgresUsage() gets by with the statements of docs/usage.md', async () => {
    const database = await server.freshDatabase();
    await server.sql(`ALTER DATABASE ${database} OWNER TO postgres`);
    const refused = open(at(database));
    await eventually(() => refused.trouble.length > 0, 'its refusal');
    assert.match(refused.trouble[0] ?? '', /this user lacks a right there/);
    await refused.store.close();
    await server.sql('CREATE SCHEMA cardea AUTHORIZATION cardea', database);
    const { store, trouble } = open(at(database));
    store.record(aRecord());
    await store.close();
    assert.deepEqual([trouble, await rowsIn(database)], [[], 1]);
  });

  test('a gateway keeps usage in PostgreSQL, answers from it, and serves on while it is away', async () => {
    const database = await server.freshDatabase();
    const filled = open(at(database));
    for (const record of sampleRecords) filled.store.record(record);
    await filled.store.close();
    const url = `postgres://127.0.0.1:${server.port}/${database}`;
    const env = { PG: 'cardea-password' };
    const gateway = await startTestGateway({
      config: (upstream) =>
        `usage: { postgres: { url: "${url}", user: cardea, password: "\${env:PG}" } }\n` +
        `apps: [{ name: llm, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, public: true }] }]\n`,
      env,
    });
    try {
      const words = ['usage', '--json', '--by', 'group', '--since', '2026-11-22', '--until', '2026-11-23'];
      const command = () => runIn(gateway.folder, words, { env });
      const api = () => send(`${gateway.admin}/api/usage?by=group&since=2026-11-22&until=2026-11-23`);
      const doctor = () => runIn(gateway.folder, ['doctor', '--only', 'postgres', '--json'], { env });
      const answer = JSON.parse((await api()).body);
      assert.equal(answer.total.requests, 8);
      assert.deepEqual(JSON.parse((await command()).stdout), answer);
      assert.deepEqual(verdicts((await doctor()).stdout), {
        'postgres-connect': 'pass',
        'postgres-tables': 'pass',
        'postgres-clock': 'pass',
      });

      await server.stop();
      assert.equal((await send(`${gateway.origin}/`)).status, 200);
      const down = await api();
      assert.deepEqual([down.status, JSON.parse(down.body).error], [503, 'unavailable']);
      const { status, stderr } = await command();
      const why = `PostgreSQL at 127.0.0.1:${server.port} cannot be used: nothing listens there`;
      assert.deepEqual([status, stderr], [1, `cardea usage: ${why}\n`]);
      assert.deepEqual(verdicts((await doctor()).stdout), { 'postgres-connect': 'fail' });
      await server.start();
      assert.equal((await api()).status, 200);
      assert.doesNotMatch(gateway.written(), /cardea-password/);
    } finally {
      await gateway.close();
    }
  });

  test('a gateway of two threads writes down every request, also those that came while PostgreSQL was away', async () => {
    const database = await server.freshDatabase();
    const url = `postgres://127.0.0.1:${server.port}/${database}`;
    const env = { PG: 'cardea-password' };
    const gateway = await startTestGateway({
      threads: 2,
      config: (upstream) =>
        `usage: { postgres: { url: "${url}", user: cardea, password: "\${env:PG}" } }\nsign_in: [{ api_key: {} }]\n` +
        `apps: [{ name: llm, host: 127.0.0.1, upstream: "${upstream}", rules: [{ path: /**, signed_in: true }], ` +
        `limits: { tiers: [{ name: default, requests_per_minute: 20 }] } }]\n`,
      env,
    });
    closers.push(() => gateway.close());
    const key = (await runIn(gateway.folder, ['keys', 'create', '--name', 'batch'], { env })).stdout.trim();
    const statuses = async (count: number): Promise<readonly number[]> => {
      const answers = Array.from({ length: count }, () => send(gateway.origin, { headers: { 'X-API-Key': key } }));
      return (await Promise.all(answers)).map(({ status }) => status);
    };
    assert.deepEqual(new Set(await statuses(12)), new Set([200]));
    await eventually(async () => (await rowsIn(database).catch(() => 0)) === 12, 'the first records');
    await server.stop('crash');
    const later = await statuses(12);
    const refusals = later.filter((status) => status === 429).length;
    assert.deepEqual(new Set(later), new Set([200, 429]));
    await eventually(() => gateway.written().includes('cannot be written and wait'), 'the log');
    await server.start();
    await eventually(async () => (await rowsIn(database)) === 24, 'the others');
    const refused = await server.sql('SELECT count(refusal)::int AS refused FROM cardea.usage', database);
    assert.equal(refused[0]?.['refused'], refusals);
    assert.match(gateway.written(), /Usage records can be written again/);
  });

  /** Runs a command with a configuration that has this PostgreSQL, by its socket. */
  async function runWith(database: string, user: string, argv: readonly string[], now?: () => number): Promise<Ran> {
    const folder = mkdtempSync(join(tmpdir(), 'cardea-usage-'));
    try {
      const url = `postgres:///${database}?host=${server.folder}&port=${server.port}`;
      const rules = [{ path: '/**', public: true }];
      const apps = [{ name: 'llm', host: 'llm', upstream: 'http://127.0.0.1:3000', rules }];
      writeFileSync(join(folder, 'cardea.yaml'), JSON.stringify({ usage: { postgres: { url, user } }, apps }));
      return await runIn(folder, argv, now === undefined ? {} : { now });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test('cardea usage says that no gateway has kept anything there yet', async () => {
    const { status, stderr } = await runWith(await server.freshDatabase(), 'cardea', ['usage']);
    assert.equal(status, 1);
    assert.match(stderr, /^cardea usage: PostgreSQL at \/.*\.s\.PGSQL\.\d+ cannot be used: its tables are not there/);
  });

  const passed = { 'postgres-connect': 'pass', 'postgres-tables': 'pass', 'postgres-clock': 'pass' };
  for (const [what, prepare, user, aheadMs, found] of [
    ['that there is nothing yet', undefined, 'cardea', 0, { ...passed, 'postgres-tables': 'unknown' }],
    ['a role without rights', 'CREATE ROLE reader LOGIN', 'reader', 0, { ...passed, 'postgres-tables': 'fail' }],
    [
      'a newer form',
      `INSERT INTO cardea.migrations VALUES ('usage', 2)`,
      'cardea',
      0,
      { ...passed, 'postgres-tables': 'fail' },
    ],
    ['a clock that is ahead', 'SELECT 1', 'cardea', 120_000, { ...passed, 'postgres-clock': 'fail' }],
  ] as const)
    test(`cardea doctor finds ${what}`, async () => {
      const database = await server.freshDatabase();
      if (prepare !== undefined) {
        await open(at(database)).store.close();
        await server.sql(prepare, database);
      }
      const argv = ['doctor', '--only', 'postgres', '--json'];
      const { stdout } = await runWith(database, user, argv, () => Date.now() + aheadMs);
      assert.deepEqual(verdicts(stdout), found);
    });
});

suite('usage in PostgreSQL by TLS', { skip: noPostgres }, () => {
  let encrypted: LabPostgres;
  let cert: string;
  let other: string;
  before(async () => {
    const own = await certificate('IP:127.0.0.1');
    cert = own.cert;
    other = (await certificate('IP:127.0.0.1')).cert;
    encrypted = await startPostgres({ tls: own });
  });
  afterEach(closeAll);
  after(() => encrypted.close());

  const by = (host: string, database: string, ca: string | undefined): PostgresOptions => ({
    place: { host, port: encrypted.port, database },
    user: 'cardea',
    password: new Secret('cardea-password'),
    tls: { ca },
    timeoutMs: 5_000,
  });

  test('postgresUsage() writes by TLS to a server whose certificate chains to the authority', async () => {
    const database = await encrypted.freshDatabase();
    const { store, trouble } = open(by('127.0.0.1', database, cert));
    store.record(aRecord());
    await store.close();
    assert.deepEqual(trouble, []);
    const postgres = connectTo(by('127.0.0.1', database, cert));
    const [seen] = await postgres.transaction((sql) =>
      sql('SELECT ssl, (SELECT count(*) FROM cardea.usage)::int AS rows FROM pg_stat_ssl WHERE pid = pg_backend_pid()'),
    );
    assert.deepEqual(seen, { ssl: true, rows: 1 });
  });

  for (const [what, host, ca, message] of [
    ['of another authority', '127.0.0.1', () => other, /certificate is self-signed|authority that is not trusted/],
    ['of no authority of the system', '127.0.0.1', () => undefined, /certificate is self-signed|not trusted/],
    ['for another name', 'localhost', () => cert, /its certificate is for another name/],
  ] as const)
    test(`postgresUsage() refuses a certificate ${what}`, async () => {
      const { store } = open(by(host, await encrypted.freshDatabase(), ca()));
      await assert.rejects(store.query(all), message);
      await store.close();
    });
});

/** As the harness waits, but with the pauses that grow while the server is away. */
async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`Waited in vain: ${what}`);
    await delay(10);
  }
}

/** What doctor found, by its ids. */
function verdicts(json: string): Readonly<Record<string, string>> {
  const { findings }: { readonly findings: readonly { readonly id: string; readonly verdict: string }[] } =
    JSON.parse(json);
  return Object.fromEntries(findings.map(({ id, verdict }) => [id, verdict]));
}

/** A self-signed certificate, which is its own authority. */
async function certificate(name: string): Promise<{ readonly cert: string; readonly key: string }> {
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '-'];
  const about = ['-days', '30', '-subj', '/CN=postgres', '-addext', `subjectAltName=${name}`];
  const text = await run('/usr/bin/openssl', ['req', '-x509', ...newKey, ...about]);
  const [key = '', cert = ''] = text.split(/(?=-----BEGIN CERTIFICATE)/);
  return { cert, key };
}

interface Relay {
  readonly port: number;
  /** Cuts the connection that sends this next, when the server has answered and before the answer is passed on. */
  loseAnswerTo(words: string): void;
  /** How many answers were lost. */
  lost(): number;
  /** From now on, the connections that there are pass on nothing. */
  silence(): void;
}

/** A piece of network between a store and the server. */
async function relay(port: number): Promise<Relay> {
  const ways = new Set<{ silent: boolean; readonly sockets: readonly Socket[] }>();
  let wanted: string | undefined;
  let lost = 0;
  const listening = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port });
    const way = { silent: false, sockets: [client, upstream] };
    ways.add(way);
    const cut = (): void => {
      ways.delete(way);
      for (const socket of way.sockets) socket.destroy();
    };
    for (const socket of way.sockets) socket.on('error', cut).on('close', cut);
    let losing = false;
    client.on('data', (bytes) => {
      if (way.silent) return;
      losing = wanted !== undefined && bytes.includes(wanted);
      if (losing) wanted = undefined;
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (losing) {
        lost++;
        cut();
      } else if (!way.silent) client.write(bytes);
    });
  }).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const address = listening.address();
  assert(address !== null && typeof address === 'object');
  const close = (): void => {
    listening.close();
    for (const { sockets } of ways) for (const socket of sockets) socket.destroy();
  };
  closers.push(close);
  return {
    port: address.port,
    loseAnswerTo: (words) => (wanted = words),
    lost: () => lost,
    silence: () => {
      for (const way of ways) way.silent = true;
    },
  };
}
