/**
 * Streams of somebody who is taken out of a group: once one of them has ended, they are not let in again by what was known before,
 * by whichever thread. Microsoft Graph, where the groups are, is **faked** (`fake-graph.ts`).
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { type FakeGraph, startFakeGraph, syncedGroup, tenant } from './fake-graph.ts';
import { send, sessionOf, startTestGateway, type TestGateway, type TestOptions, until } from './harness.ts';
import { type OpenEvents, openEvents, openWs, Refused } from './streams-testing.ts';
import { agentOf, linesToAll } from './threads.ts';

const second = 1_000;

let fake: FakeGraph;
before(async () => {
  fake = await startFakeGraph();
});
after(() => fake.close());

const alice = {
  id: 'a0000000-0000-4000-8000-000000000001',
  userPrincipalName: 'alice@corp.example',
  accountEnabled: true,
  onPremisesSecurityIdentifier: 'S-1-5-21-1-2-3-1001',
  onPremisesSamAccountName: 'alice',
  onPremisesDomainName: 'corp.example',
  groups: [syncedGroup(1, 'traders')],
};
beforeEach(() => {
  fake.users = [alice];
  fake.asked = [];
});
const takeOut = (): void => {
  fake.users = [{ ...alice, groups: [] }];
};

const startGateway = (options: Pick<TestOptions, 'now' | 'threads'>, session: boolean): Promise<TestGateway> =>
  startTestGateway({
    ...options,
    env: { GRAPH: 'the-secret-of-the-application' },
    config: (upstream) => `
sign_in: [{ trusted_header: { default_domain: CORP, groups_from: directory, session: ${session} } }]
directory:
  graph:
    tenant: ${tenant}
    client_id: cardea
    client_secret: "\${env:GRAPH}"
    login: ${fake.origin}
    url: ${fake.origin}
    domains: { corp.example: CORP }
    cache: 10s
apps:
  - name: sample
    host: 127.0.0.1
    upstream: ${upstream}
    streams: { revalidate: 1s }
    rules: [{ path: /api/**, signed_in: true }, { path: /**, groups: [traders] }]
`,
  });
const byProxy = { 'X-Remote-User': 'CORP\\alice' };

for (const session of [true, false])
  suite(session ? 'with a session' : 'with a credential that comes with each request', () => {
    let now = Date.UTC(2026, 10, 23, 12);
    let gateway: TestGateway;
    before(async () => {
      gateway = await startGateway({ now: () => now }, session);
    });
    after(() => gateway.close());

    test('whoever was ended with 4403 is refused at once, and let in at once when the group is there again', async () => {
      const first = await send(`${gateway.origin}/api/whoami`, { headers: byProxy });
      const headers: Readonly<Record<string, string>> = session ? { Cookie: sessionOf(first) } : byProxy;
      const open = await openWs(`${gateway.origin}/ws`, headers);
      takeOut();
      // Beyond the directory's cache, and not beyond the minute for which a session is kept in memory.
      now += 11 * second;
      const { code, reason } = await open.closing;
      assert.deepEqual([code, reason], [4403, 'no-longer-allowed']);
      await assert.rejects(
        openWs(`${gateway.origin}/ws`, headers),
        (error) => error instanceof Refused && error.status === 403,
      );
      const { body } = await send(`${gateway.origin}/api/whoami`, { headers });
      assert.deepEqual(JSON.parse(body).groups, []);
      fake.users = [alice];
      now += 71 * second;
      const again = await openWs(`${gateway.origin}/ws`, headers);
      again.socket.terminate();
    });
  });

suite('with two threads', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startGateway({ threads: 2 }, true);
  });
  after(() => gateway.close());

  test('what one thread has seen holds for the other as well, whose memory of the directory is fresh still', async () => {
    // A connection to each thread, and another one to the first for the stream.
    const lines = await linesToAll(gateway, 2);
    const more = await linesToAll(gateway, 2);
    const headers = {
      Cookie: sessionOf(await send(`${gateway.origin}/api/whoami`, { headers: byProxy, agent: agentOf(lines[0]) })),
    };
    const status = async (place: number): Promise<number> =>
      (await send(`${gateway.origin}/`, { headers, agent: agentOf(lines[place]) })).status;
    const asked = (): number => fake.asked.filter((line) => line.endsWith('microsoft.graph.group')).length;
    const open: OpenEvents = await openEvents(`${gateway.origin}/events`, headers, agentOf(more[0]));
    assert.deepEqual([open.status, await status(0)], [200, 200]);
    const began = performance.now();
    // So that the second thread would go by its own memory when the first one has to ask again.
    await until(() => performance.now() > began + 4 * second, 'some seconds', 20 * second);
    const before = asked();
    assert.equal(await status(1), 200);
    assert.ok(asked() > before, 'the second thread has a memory of its own');
    takeOut();
    await until(() => open.ended(), 'the end of the stream', 30 * second);
    assert.deepEqual([await status(1), await status(0)], [403, 403]);
    for (const { agent } of [...lines, ...more]) agent.destroy();
  });
});
