import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { startLab } from '../../lab/lab.ts';
import { reasonToSkip } from '../../lab/packages.ts';
import { reasonToSkipRecipes } from '../../lab/recipes/parts.ts';
import type { RecipeName } from '../../lab/recipes/servers.ts';
import { type Recipe, startRecipeLab } from './recipes.ts';

/** Tests with the recipe and its page, for someone whom its only rule lets in. */
function recipeSuite(name: RecipeName, group: string, tests: (recipe: () => Recipe) => void): void {
  suite(`examples/recipes/${name}`, { skip: reasonToSkip() || reasonToSkipRecipes() }, () => {
    let recipe: Recipe;
    before(async () => {
      await startLab();
      recipe = await startRecipeLab(name, { replace: { [`groups: [${group}]`]: 'groups: [team-ai]' } });
      await recipe.page.goto(`${recipe.origin}/`);
    });
    after(() => recipe?.close());
    tests(() => recipe);
  });
}

/** What is on the page below this id. */
const shows = ({ page }: Recipe, id: string, text: string): Promise<void> =>
  page.locator(`#${id}`).getByText(text, { exact: true }).waitFor();

/** PyJWT, which Streamlit, Reflex and Dash use in the same way, and jose. */
async function onlyGoodAssertions(recipe: Recipe, path: string): Promise<void> {
  // First, since for a minute the gateway keeps what it has signed.
  recipe.clock.ahead -= 600_000;
  const old = await recipe.assertion('own');
  recipe.clock.ahead += 600_000;
  const own = await recipe.assertion('own');
  assert.notEqual(old, own);
  const [head = '', claims = '', signature = ''] = own.split('.');
  const root = encoded({ ...decoded(claims), account: 'CORP\\root' });
  const unsigned = encoded({ ...decoded(head), alg: 'none' });
  const other = await recipe.assertion('other');
  const believed = [];
  for (const assertion of [own, undefined, other, old, `${head}.${root}.${signature}`, `${unsigned}.${root}.`]) {
    // Who gets around the gateway can send any header field.
    const headers = { 'X-Authenticated-User': 'CORP\\root', ...(assertion && { 'X-Cardea-Assertion': assertion }) };
    believed.push((await fetch(`http://127.0.0.1:${recipe.app.port}${path}`, { headers })).status === 200);
  }
  assert.deepEqual(believed, [true, false, false, false, false, false]);
}

const decoded = (part: string): object => JSON.parse(Buffer.from(part, 'base64url').toString());
const encoded = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString('base64url');

recipeSuite('fastapi', 'traders', (recipe) => {
  test('the app knows CORP\\alice on API call, event stream and WebSocket, for one sign-in without a prompt', async () => {
    await shows(recipe(), 'api', 'CORP\\alice, proven CORP\\alice');
    await shows(recipe(), 'stream', 'CORP\\alice');
    await shows(recipe(), 'socket', 'CORP\\alice');
    assert.equal(recipe().gateway.audit('sign-in').length, 1);
  });

  test('only an assertion of the gateway, for this app and still good, proves who is there', () =>
    onlyGoodAssertions(recipe(), '/api/me'));

  test('after the network broke it connects again by itself, as the same person', async () => {
    recipe().breakConnections();
    await recipe().socketAgain();
    await shows(recipe(), 'socket', 'CORP\\alice');
    assert.equal(recipe().gateway.audit('sign-in').length, 1);
  });
});

recipeSuite('dash', 'analysts', (recipe) => {
  test('each callback knows CORP\\alice, for one sign-in without a prompt', async () => {
    const { page, gateway } = recipe();
    await page.getByText('Signed in as CORP\\alice', { exact: true }).waitFor();
    await page.getByText('Proven: CORP\\alice', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.getByText('Asked 1', { exact: true }).waitFor();
    assert.equal(gateway.audit('sign-in').length, 1);
  });
});

recipeSuite('socketio', 'staff', (recipe) => {
  test('the server knows CORP\\alice while it polls and over the WebSocket, for one sign-in without a prompt', async () => {
    await shows(recipe(), 'user', 'CORP\\alice');
    await shows(recipe(), 'proven', 'CORP\\alice');
    await shows(recipe(), 'transport', 'websocket');
    assert.equal(recipe().gateway.audit('sign-in').length, 1);
  });

  test('only an assertion of the gateway, for this app and still good, proves who is there', () =>
    onlyGoodAssertions(recipe(), '/socket.io/?EIO=4&transport=polling'));

  test('after the network broke it connects again by itself, as the same person', async () => {
    const { page, gateway } = recipe();
    recipe().breakConnections();
    await recipe().socketAgain();
    await page.locator('input').fill('good morning');
    await page.getByRole('button', { name: 'Say' }).click();
    await page.getByText('CORP\\alice: good morning', { exact: true }).waitFor();
    assert.equal(gateway.audit('sign-in').length, 1);
  });
});
