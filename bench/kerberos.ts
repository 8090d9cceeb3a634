/**
 * CPU per Negotiate sign-on in process, PAC groups decoded, with tickets of our own making.
 *
 * @module
 */
import { createAcceptor, MemoryReplayCache } from '../packages/kerberos/src/index.ts';
import {
  corp,
  createAccount,
  issueTicket,
  keytabOf,
  makeRequest,
  spnego,
} from '../packages/kerberos/test/initiator.ts';
import { type Sample, sampleOf } from './sample.ts';

export interface KerberosFigure {
  readonly what: string;
  readonly tokenBytes: number;
  /** User and system time of this process in microseconds per sign-on, over the batches. */
  readonly cost: Sample;
}

interface Case {
  readonly what: string;
  readonly etype: number;
  readonly groups: number;
  readonly mutual: boolean;
}

const cases: readonly Case[] = [
  { what: 'AES256, 30 groups', etype: 18, groups: 30, mutual: false },
  { what: 'AES256, 30 groups, mutual', etype: 18, groups: 30, mutual: true },
  { what: 'AES256, 400 groups', etype: 18, groups: 400, mutual: false },
  { what: 'AES128, 30 groups', etype: 17, groups: 30, mutual: false },
  { what: 'AES256-SHA384, 30 groups', etype: 20, groups: 30, mutual: false },
];

const perBatch = 200;

/** Measures every case, with a new ticket and authenticator for each sign-on. */
export async function measureKerberos(now: number, quick: boolean): Promise<readonly KerberosFigure[]> {
  const [warmUp, batches] = quick ? [6, 3] : [10, 9];
  const account = createAccount({ etypes: [17, 18, 20] });
  const acceptor = createAcceptor({
    keytab: keytabOf(account),
    replayCache: new MemoryReplayCache({ now: () => now }),
  });
  const figures: KerberosFigure[] = [];
  for (const { what, etype, groups, mutual } of cases) {
    const logon = {
      accountName: 'alice',
      fullName: 'Alice Example',
      domainName: corp.domain,
      domainSid: corp.domainSid,
      userId: 1104,
      groups: Array.from({ length: groups }, (_, i) => ({ rid: 2000 + i })),
    };
    const newToken = (): Uint8Array =>
      spnego(makeRequest(issueTicket(account, now, { etype, pac: { logon } }), now, { mutual }));
    const costs: number[] = [];
    for (let batch = 0; batch < warmUp + batches; batch++) {
      const tokens = Array.from({ length: perBatch }, newToken);
      const before = process.cpuUsage();
      for (const token of tokens) {
        const result = await acceptor.accept(token, { now });
        if (result.kind !== 'accepted') throw new Error(`Cannot measure: a token was not accepted (${result.kind})`);
      }
      const { user, system } = process.cpuUsage(before);
      costs.push((user + system) / perBatch);
    }
    figures.push({ what, tokenBytes: newToken().length, cost: sampleOf(costs.slice(warmUp)) });
  }
  return figures;
}
