/** A whole gateway with several certificates, one of which is renewed while it runs. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { startTestGateway, type TestGateway } from './harness.ts';

const file = (name: string): string => readFileSync(join(import.meta.dirname, 'check/files', name), 'utf8');
const serial = (name: string): string => new X509Certificate(file(name)).serialNumber;

suite('with several certificates', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway({
      // Each thread looks for itself.
      threads: 2,
      listen: `{ address: "127.0.0.1:0", tls: { certificates: [
        { cert: first.pem, key: gateway.key }, { cert: second.pem, key: gateway.key } ] } }`,
      files: {
        'first.pem': file('address.pem'),
        'second.pem': file('gateway.pem'),
        'gateway.key': file('gateway.key'),
      },
      config: (upstream) => `
apps:
  - name: sample
    host: [127.0.0.1, desk.corp.example]
    upstream: ${upstream}
    rules: [{ path: /**, public: true }]
`,
    });
  });
  after(() => gateway.close());

  async function client(servername: string): Promise<TLSSocket> {
    const { hostname: host, port } = new URL(gateway.origin);
    const socket = connect({ host, port: Number(port), servername, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    return socket;
  }
  const shown = async (servername: string): Promise<string | undefined> => {
    const socket = await client(servername);
    const certificate = socket.getPeerX509Certificate();
    socket.destroy();
    return certificate?.serialNumber;
  };
  const ask = async (socket: TLSSocket): Promise<string> => {
    socket.write('HEAD /headers HTTP/1.1\r\nHost: desk.corp.example\r\n\r\n');
    return String((await once(socket, 'data'))[0]);
  };
  const replace = (name: string, text: string): void => {
    writeFileSync(join(gateway.folder, 'next'), text);
    renameSync(join(gateway.folder, 'next'), join(gateway.folder, name));
  };
  test('each client gets the certificate for the name that it asks for, and the first one if there is none', async () => {
    assert.equal(await shown('desk.corp.example'), serial('gateway.pem'));
    assert.equal(await shown('lab.corp.example'), serial('address.pem'));
    assert.equal(await shown(''), serial('address.pem'));
  });

  test('a renewed certificate is used for new connections, and open ones go on with theirs', async () => {
    const before = await client('desk.corp.example');
    assert.match(await ask(before), /^HTTP\/1\.1 200/);
    replace('second.pem', file('wiki.pem'));
    // Nobody tells the gateway to look: it looks every two seconds, and takes what it has seen twice.
    const end = Date.now() + 20_000;
    // So many in a row that every thread has had some.
    for (let renewed = 0; renewed < 20; ) {
      if ((await shown('desk.corp.example')) === serial('wiki.pem')) renewed++;
      else {
        renewed = 0;
        assert.ok(Date.now() < end, 'the renewed certificate was never shown');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    assert.equal(await shown('lab.corp.example'), serial('address.pem'));
    assert.match(await ask(before), /^HTTP\/1\.1 200/);
    assert.equal(before.getPeerX509Certificate()?.serialNumber, serial('gateway.pem'));
    assert.match(gateway.written(), /New connections get the changed certificate/);
    before.destroy();
  });
});
