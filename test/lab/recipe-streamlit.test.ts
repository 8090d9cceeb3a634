import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { reasonToSkipRecipes } from '../../lab/recipes/parts.ts';
import { type Administrator, administrator, type TestAccount } from './accounts.ts';
import { memberOf, type Recipe, startRecipeLab } from './recipes.ts';

suite('examples/recipes/streamlit', { skip: reasonToSkip() || reasonToSkipRecipes() }, () => {
  let admin: Administrator;
  let group: TestAccount;
  let recipe: Recipe;

  before(async () => {
    await startLab();
    admin = await administrator();
    group = await admin.addGroup('analysts-', [memberOf('alice'), memberOf('bob')]);
    recipe = await startRecipeLab('streamlit', {
      replace: { 'groups: [analysts]': `groups: [${group.name}]` },
    });
    await recipe.page.goto(`${recipe.origin}/`);
  });
  after(async () => {
    await recipe?.close();
    await admin?.close();
  });

  const shows = (text: string): Promise<void> => recipe.page.getByText(text, { exact: true }).waitFor();
  /** Lets the app run once more, which it does over its WebSocket; so many times so far. */
  async function count(times: number): Promise<void> {
    await recipe.page.getByRole('button', { name: 'Count' }).click();
    await shows(`Counted ${times}`);
  }

  test('the app shows CORP\\alice from st.context.headers, and proves it, for one sign-in without a prompt', async () => {
    await shows('Signed in as CORP\\alice');
    await shows('Proven: CORP\\alice');
    await count(1);
    assert.deepEqual(await recipe.sockets(), [{ path: '/_stcore/stream', open: true }]);
    assert.equal(recipe.gateway.audit('sign-in').length, 1);
  });

  test('the WebSocket and who is there outlive the renewal of the session', async () => {
    await recipe.renewSession();
    await count(2);
    await shows('Signed in as CORP\\alice');
    assert.deepEqual(await recipe.sockets(), [{ path: '/_stcore/stream', open: true }]);
  });

  test('after the network broke it connects again by itself, as the same person, in the same session of Streamlit and of ours', async () => {
    recipe.breakConnections();
    await recipe.socketAgain();
    await count(3);
    await shows('Signed in as CORP\\alice');
    await shows('Proven: CORP\\alice');
    assert.equal(recipe.gateway.audit('sign-in').length, 1);
  });

  test('revoking her sessions ends the WebSocket with 4401, and she stays out until Windows signs her in again', async () => {
    recipe.dropTicket();
    assert.equal(await recipe.socketEnd(() => recipe.revoke('CORP\\alice')), '4401 session-revoked');
    await recipe.refusedTries(2);
    await recipe.newTicket();
    await recipe.socketAgain();
    await count(4);
    assert.equal(recipe.gateway.audit('sign-in').length, 2);
  });

  test('when another person comes back in the same tab, that is who the app shows and proves', async () => {
    recipe.dropTicket();
    await recipe.socketEnd(() => recipe.revoke('CORP\\alice'));
    await recipe.newTicket('bob');
    await recipe.socketAgain();
    await count(5);
    await shows('Signed in as CORP\\bob');
    await shows('Proven: CORP\\bob');
  });

  test('taking people out of the group ends the WebSocket with 4403 after cache and revalidation, and they stay out', async () => {
    // Ten seconds and two, and what a busy machine takes.
    const end = await recipe.socketEnd(() => admin.set(group.dn, 'member'), 16_000);
    assert.equal(end, '4403 no-longer-allowed');
    await recipe.refusedTries(2);
    const response = await recipe.page.goto(`${recipe.origin}/`);
    assert.equal(response?.status(), 403);
  });
});
