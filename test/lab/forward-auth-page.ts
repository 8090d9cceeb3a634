/**
 * docs/forward-auth-verdicts.md: what became of the same requests on every way to the app, written by the test that sent them.
 *
 * @module
 */
import { ways, type Way } from './forward-auth-stand.ts';

export interface OutcomeGroup {
  readonly title: string;
  readonly rows: readonly { readonly name: string; readonly outcomes: ReadonlyMap<Way, string> }[];
}

/** The whole page. */
export function outcomePage(groups: readonly OutcomeGroup[]): string {
  const others = ways.filter((way) => way !== 'cardea');
  const head = ['request', 'Cardea’s own proxy', ...others];
  return `# The same requests, eight ways

Written by \`test/lab/forward-auth.test.ts\`, which also holds this page to what it observes: run it with
\`CARDEA_WRITE_VERDICTS=1\` to write the page anew. The proxies are real programs (nginx 1.22, Caddy 2.6, HAProxy 2.6, Envoy 1.40,
Traefik 3.7, Apache 2.4) with the files of [examples/forward-auth](../examples/forward-auth); they ask Cardea about each request
(\`envoy-grpc\` over gRPC), except Apache, which has Cardea's own proxy behind it. The app is open to people who are signed in, \`/reports\` to alice's group
alone, and \`/health\` to everybody. What the app has received counts, and is told: \`200 CORP\\alice\` means that it saw alice.

**=** means: as with Cardea's own proxy. Why others differ stands in [forward-auth](forward-auth.md#where-the-proxies-differ).

${groups
  .map(
    ({ title, rows }) => `## ${title}

${table(
  head,
  rows.map(({ name, outcomes }) => {
    const own = outcomes.get('cardea') ?? '';
    return [name, own, ...others.map((way) => (outcomes.get(way) === own ? '=' : (outcomes.get(way) ?? '')))];
  }),
)}
`,
  )
  .join('\n')}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
