/**
 * docs/kerberos-verdicts.md: what a real MIT acceptor and ours say to the same tokens, written by the test that asked both.
 *
 * @module
 */

export interface ScenarioRow {
  readonly token: string;
  readonly apache: string;
  readonly cardea: string;
  readonly why: string;
}

export interface AlterationRow {
  readonly part: string;
  readonly apache: string;
  readonly cardea: string;
  readonly why: string;
}

/** The whole page. */
export function verdictPage(scenarios: readonly ScenarioRow[], alterations: readonly AlterationRow[]): string {
  return `# The same tokens, two acceptors

Written by \`test/lab/kerberos-reference.test.ts\` in a real Active Directory domain (Samba), which also holds this page to
what it observes: run it with \`CARDEA_WRITE_VERDICTS=1\` to write the page anew. Every token was made by MIT Kerberos 1.20
with a ticket of the domain, and was given both to Apache with \`mod_auth_gssapi\` (MIT Kerberos 1.20) and to Cardea.

Where the two differ, the last column says why. Cardea accepts what Apache refuses only where **laxer** is written.

## Token by token

${table(
  ['Token', 'Apache', 'Cardea', 'Why they differ, or what to notice'],
  scenarios.map(({ token, apache, cardea, why }) => [token, apache, cardea, why]),
)}

## One good token, altered byte by byte

Alice's token, neither acceptor remembering replays. In clear parts each bit was flipped by itself; in encrypted parts two bits
of every byte. Whoever was accepted was alice.

${table(
  ['Part of the token', 'Apache', 'Cardea', 'Why they differ, or why altering it does no harm'],
  alterations.map(({ part, apache, cardea, why }) => [part, apache, cardea, why]),
)}
`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
