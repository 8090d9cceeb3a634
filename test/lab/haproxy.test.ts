/** HAProxy in front of a whole gateway: it passes TLS through and speaks the PROXY protocol, as in examples/behind-haproxy.yaml. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { freePort, waitForPort } from '../../lab/ports.ts';
import { send, startTestGateway, type TestGateway, until } from '../../packages/gateway/test/harness.ts';

const program = '/usr/sbin/haproxy';
const skip = !existsSync(program) && `${program} is missing: run "npm run lab:install" on Debian 12 as root`;
const golden = join(import.meta.dirname, '../../packages/gateway/test/check/files');
const file = (name: string): string => readFileSync(join(golden, name), 'utf8');

suite('behind HAProxy', { skip }, () => {
  let gateway: TestGateway;
  let haproxy: ChildProcess;
  let said = '';
  let ports: number[];
  before(async () => {
    gateway = await startTestGateway({
      listen: `{ address: "127.0.0.1:0", tls: { cert: gateway.pem, key: gateway.key },
        proxy_protocol: { from: [127.0.0.1] } }`,
      files: { 'gateway.pem': file('gateway.pem'), 'gateway.key': file('gateway.key') },
      config: (upstream) => `
apps:
  - name: sample
    host: 127.0.0.1
    upstream: ${upstream}
    rules: [{ path: /**, public: true }]
`,
    });
    const address = new URL(gateway.origin).host;
    ports = [await freePort(), await freePort(), await freePort()];
    const listen = (name: string, port: number | undefined, option: string): string =>
      `listen ${name}\n  bind 127.0.0.1:${port}\n  server cardea ${address} source 127.0.0.1 ${option}\n`;
    const settings = join(gateway.folder, 'haproxy.cfg');
    const defaults = 'defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n';
    const [one, two, none] = ports;
    writeFileSync(
      settings,
      `${defaults}${listen('one', one, 'send-proxy')}${listen('two', two, 'send-proxy-v2-ssl-cn check inter 100ms')}${listen('none', none, '')}`,
    );
    haproxy = spawn(program, ['-db', '-f', settings], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [haproxy.stdout, haproxy.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk));
    for (const port of ports) assert.ok(await waitForPort('127.0.0.1', port, () => haproxy.exitCode !== null), said);
  });
  after(async () => {
    haproxy.kill('SIGKILL');
    if (haproxy.exitCode === null && haproxy.signalCode === null) await once(haproxy, 'exit');
    await gateway.close();
  });

  async function ask(port: number | undefined): Promise<ReadonlyMap<string, string>> {
    const { status, body } = await send(`https://127.0.0.1:${port}/headers`);
    assert.equal(status, 200);
    return new Map<string, string>(JSON.parse(body));
  }

  for (const [what, place] of [
    ['version 1', 0],
    ['version 2 with extensions', 1],
  ] as const)
    test(`requests arrive for the client of HAProxy, over TLS: ${what}`, async () => {
      const headers = await ask(ports[place]);
      assert.equal(headers.get('X-Forwarded-For'), '127.0.0.1');
      assert.equal(headers.get('X-Forwarded-Proto'), 'https');
    });

  test('the health checks of HAProxy find the gateway well, and leave no line in the log', async () => {
    // Several of its checks take place in this time.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await ask(ports[1]);
    assert.doesNotMatch(said, /DOWN/);
    assert.doesNotMatch(gateway.written(), /proxy_protocol/);
  });

  test('without the PROXY protocol nothing passes', async () => {
    await assert.rejects(send(`https://127.0.0.1:${ports[2]}/headers`));
    await until(() => gateway.written().includes('"reason":"signature"'), 'a line in the log');
  });
});
