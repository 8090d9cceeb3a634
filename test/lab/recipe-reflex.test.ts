import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { reasonToSkipRecipes } from '../../lab/recipes/parts.ts';
import { type Administrator, administrator, type TestAccount } from './accounts.ts';
import { memberOf, type Recipe, startRecipeLab } from './recipes.ts';

suite('examples/recipes/reflex', { skip: reasonToSkip() || reasonToSkipRecipes() }, () => {
  let admin: Administrator;
  let group: TestAccount;
  let recipe: Recipe;
  /** What the app has sent over its WebSockets. */
  const received: string[] = [];

  before(async () => {
    await startLab();
    admin = await administrator();
    group = await admin.addGroup('traders-', [memberOf('alice'), memberOf('bob')]);
    recipe = await startRecipeLab('reflex', { replace: { 'groups: [desk-traders]': `groups: [${group.name}]` } });
    recipe.page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => received.push(payload.toString())),
    );
    await recipe.page.goto(`${recipe.origin}/`);
  });
  after(async () => {
    await recipe?.close();
    await admin?.close();
  });

  const shows = (text: string): Promise<void> => recipe.page.getByText(text, { exact: true }).waitFor();
  /** An event of the page and its answer, over the WebSocket; the server writes down who placed the order. */
  async function order(number: number, who = 'CORP\\alice'): Promise<void> {
    await recipe.page.getByRole('button', { name: 'Place an order' }).click();
    await shows(`${number}: ${who}`);
  }

  test("the app's state shows CORP\\alice from the handshake, and an event handler proves it, for one sign-in without a prompt", async () => {
    await shows('CORP\\alice');
    await order(1);
    assert.deepEqual(await recipe.sockets(), [{ path: '/_event/', open: true }]);
    assert.equal(recipe.gateway.audit('sign-in').length, 1);
  });

  test('the WebSocket and who is there outlive the renewal of the session', async () => {
    await recipe.renewSession();
    await order(2);
    assert.equal((await recipe.sockets()).length, 1);
  });

  test('after the network broke it connects again by itself, as the same person, with the state of before', async () => {
    recipe.breakConnections();
    await recipe.socketAgain();
    await order(3);
    await shows('1: CORP\\alice');
    assert.equal(recipe.gateway.audit('sign-in').length, 1);
  });

  test('the browser gets to see the header fields, as Reflex has it, but not the assertion', () => {
    const all = received.join('\n');
    assert.match(all, /"x-authenticated-user":"CORP\\\\alice"/);
    assert.doesNotMatch(all, /eyJ[\w-]+\.eyJ/);
  });

  test('a page of another module is not for her', async () => {
    const page = await recipe.browser.context.newPage();
    await page.goto(`${recipe.origin}/risk`);
    assert.equal(page.url(), `${recipe.origin}/unauthorized/`);
    await page.getByText('Not for you').waitFor();
    await page.close();
  });

  test('revoking her sessions ends the WebSocket with 4401, and she stays out until Windows signs her in again', async () => {
    recipe.dropTicket();
    assert.equal(await recipe.socketEnd(() => recipe.revoke('CORP\\alice')), '4401 session-revoked');
    await recipe.refusedTries(2);
    await recipe.newTicket();
    await recipe.socketAgain();
    await order(4);
    assert.equal(recipe.gateway.audit('sign-in').length, 2);
  });

  test('when another person comes back in the same tab, that is who the app shows and proves', async () => {
    recipe.dropTicket();
    await recipe.socketEnd(() => recipe.revoke('CORP\\alice'));
    await recipe.newTicket('bob');
    await recipe.socketAgain();
    await order(5, 'CORP\\bob');
    await shows('CORP\\bob');
  });

  test('taking people out of the group ends the WebSocket with 4403 after cache and revalidation, and they stay out', async () => {
    // Ten seconds and two, and what a busy machine takes.
    const end = await recipe.socketEnd(() => admin.set(group.dn, 'member'), 16_000);
    assert.equal(end, '4403 no-longer-allowed');
    await recipe.refusedTries(2);
    await recipe.page.goto(`${recipe.origin}/`);
    assert.equal(recipe.page.url(), `${recipe.origin}/unauthorized/`);
  });
});
