/**
 * The groups of a person from Microsoft Graph, with the person's own token. Entra leaves them out of the ID token when there
 * are more than 200 ("overage").
 *
 * @module
 */
import { named, unique } from './claims.ts';
import type { GraphOptions, OidcOptions } from './options.ts';
import type { Outbound } from './outbound.ts';
import { type Refused, refused } from './refusal.ts';
import { isObject } from './token.ts';

export type GraphGroups = { readonly kind: 'ok'; readonly groups: readonly string[] } | Refused;

/** A page has up to 999 groups, and a person of AD at most about a thousand. */
const maxPages = 20;
const maxGroups = 5_000;

/**
 * All groups, also those by way of other groups. Whatever goes wrong is `groups-unavailable`: part of the groups must not pass
 * for all of them.
 */
export async function graphGroups(
  outbound: Pick<Outbound, 'fetch'>,
  accessToken: string,
  graph: GraphOptions,
  groupNames: OidcOptions['groupNames'],
): Promise<GraphGroups> {
  try {
    const found =
      graph.names === 'none'
        ? await memberIds(outbound, accessToken, graph.url)
        : await memberGroups(outbound, accessToken, graph, groupNames);
    if (found.length > maxGroups) return refused('groups-unavailable', `there are more than ${maxGroups}`);
    return { kind: 'ok', groups: unique(found.map((group) => named(group, groupNames))) };
  } catch (error) {
    const why =
      error instanceof SyntaxError ? 'it is not JSON' : error instanceof Error ? error.message : 'unknown error';
    return refused('groups-unavailable', `Microsoft Graph: ${why}`);
  }
}

/** `POST /me/getMemberObjects`: ids alone, in one answer, with the least of rights. */
async function memberIds(outbound: Pick<Outbound, 'fetch'>, accessToken: string, base: string): Promise<string[]> {
  const body = JSON.stringify({ securityEnabledOnly: false });
  const answer = await ask(outbound, accessToken, `${base}/v1.0/me/getMemberObjects`, body);
  return answer.value.map((id) => {
    if (typeof id !== 'string' || id === '') throw new Error('an id is not text');
    return id;
  });
}

/** `GET /me/transitiveMemberOf`: groups with their names, page by page. */
async function memberGroups(
  outbound: Pick<Outbound, 'fetch'>,
  accessToken: string,
  graph: GraphOptions,
  groupNames: OidcOptions['groupNames'],
): Promise<string[]> {
  const found: string[] = [];
  let next: string | undefined =
    `${graph.url}/v1.0/me/transitiveMemberOf/microsoft.graph.group?$select=id,displayName,onPremisesSamAccountName&$top=999`;
  for (let page = 0; next !== undefined; page++) {
    // The token goes along: to Graph and nobody else, whatever an answer says.
    if (page >= maxPages || new URL(next).origin !== new URL(graph.url).origin)
      throw new Error(page >= maxPages ? `there are more than ${maxPages} pages` : 'the next page is at another place');
    const answer = await ask(outbound, accessToken, next, undefined);
    for (const group of answer.value) found.push(nameOf(group, graph.names, groupNames));
    next = answer.next;
  }
  return found;
}

function nameOf(group: unknown, kind: GraphOptions['names'], groupNames: OidcOptions['groupNames']): string {
  if (!isObject(group) || typeof group['id'] !== 'string') throw new Error('a group has no id');
  const { id } = group;
  if (named(id, groupNames) !== id) return id; // the table has the last word
  const name = kind === 'display' ? group['displayName'] : group['onPremisesSamAccountName'];
  return typeof name === 'string' && name !== '' && name.length <= 256 && !/\p{Cc}/u.test(name) ? name : id;
}

async function ask(
  outbound: Pick<Outbound, 'fetch'>,
  accessToken: string,
  url: string,
  body: string | undefined,
): Promise<{ readonly value: readonly unknown[]; readonly next: string | undefined }> {
  const response = await outbound.fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      accept: 'application/json',
      authorization: `Bearer ${accessToken}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body,
  });
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  const answer: unknown = await response.json();
  if (!isObject(answer) || !Array.isArray(answer['value'])) throw new Error('its answer has no list');
  const next = answer['@odata.nextLink'];
  if (next !== undefined && (typeof next !== 'string' || !URL.canParse(next)))
    throw new Error('its next page is no URL');
  return { value: answer['value'], next };
}
