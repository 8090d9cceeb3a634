import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { connect } from 'node:tls';
import { startApache } from '../../lab/apache.ts';
import { startChromium } from '../../lab/chromium.ts';
import { curl } from '../../lab/curl.ts';
import { domainSid } from '../../lab/domain.ts';
import { address, paths } from '../../lab/files.ts';
import { sidOf, startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { kinit, makeTokens } from '../../lab/tokens.ts';

suite('the lab', { skip: reasonToSkip() }, () => {
  before(() => startLab());

  test('startLab() may be called by several processes at once', async () => {
    const before = readFileSync(paths.controllerPid, 'utf8');
    const script = join(import.meta.dirname, '../../lab/lab.ts');
    const calls = [1, 2, 3].map(async () => {
      const [status] = await once(spawn(process.execPath, [script, 'up'], { stdio: 'ignore' }), 'exit');
      return status;
    });
    assert.deepEqual(await Promise.all(calls), [0, 0, 0]);
    assert.equal(readFileSync(paths.controllerPid, 'utf8'), before);
  });

  test('sidOf() knows the accounts by SIDs that are the same after every rebuild', () => {
    assert.equal(sidOf('alice'), `${domainSid}-1102`);
    assert.equal(sidOf('dep1'), `${domainSid}-1111`);
    assert.throws(() => sidOf('nobody'), RangeError);
  });

  for (const user of ['alice', 'carol', 'jürgen', 'biguser', 'svc-cardea'])
    test(`kinit() signs ${user} in`, async () => assert.match(await kinit(user), /ccaches/));

  for (const [user, reason] of [
    ['dave', 'disabled'],
    ['erin', 'has to change the password'],
    ['frank', 'has expired'],
  ] as const)
    test(`kinit() fails for ${user}, whose account ${reason}`, () => assert.rejects(kinit(user), /status 1/));

  test('makeTokens() makes tokens that begin with the SPNEGO mechanism and differ from each other', async () => {
    const tokens = await makeTokens({ count: 3 });
    assert.equal(new Set(tokens.map((token) => token.toString('base64'))).size, 3);
    for (const token of tokens) assert.match(token.toString('hex'), /^6082....06062b0601050502/);
  });

  test('the domain controller answers LDAPS with a certificate of the lab CA', async () => {
    const socket = connect({ host: address, port: 636, ca: readFileSync(paths.ca) });
    await once(socket, 'secureConnect');
    assert.equal(socket.authorized, true);
    socket.destroy();
  });

  test('curl() signs on at Apache with a ticket, and not without one', async () => {
    const apache = await startApache();
    try {
      const url = `http://app.corp.example:${apache.port}/`;
      const response = await curl({ url, ccache: await kinit('bob') });
      assert.deepEqual(response.headers.get('x-user'), ['bob@CORP.EXAMPLE']);
      assert.equal((await curl({ url })).status, 401);
    } finally {
      await apache.stop();
    }
  });

  test('startChromium() gives a browser that signs on at Apache without a prompt', async () => {
    const apache = await startApache();
    const browser = await startChromium({ ccache: await kinit('alice') });
    try {
      const page = await browser.context.newPage();
      const response = await page.goto(`http://app.corp.example:${apache.port}/`);
      assert.equal(response?.headers()['x-user'], 'alice@CORP.EXAMPLE');
    } finally {
      await browser.close();
      await apache.stop();
    }
  });
});
