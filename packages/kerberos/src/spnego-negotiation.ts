import type { AcceptedClient, VerifiedApReq } from './accept-ap-req.ts';
import { type AcceptContext, type AcceptResult, failed, NegotiationState, ntlmOffered } from './accept-result.ts';
import type { Failure } from './failure.ts';
import { isKrb5Mech } from './gss.ts';
import { type KerberosMechanism, reading } from './kerberos-mechanism.ts';
import { micToken, verifyMicToken } from './mic-token.ts';
import { Etype, MechOid } from './numbers.ts';
import { apRepToken, contextWithoutReply, type GssContext } from './replies.ts';
import {
  encodeNegTokenResp,
  type InitialToken,
  mechListMicRequired,
  type NegTokenResp,
  readInitialToken,
  readNegTokenResp,
} from './spnego.ts';

type SpnegoToken = Extract<InitialToken, { kind: 'spnego' }>;

/** Begins a negotiation (RFC 4178, 3): with Kerberos, wherever in the client's list it stands, or not at all. */
export async function beginSpnego(
  kerberos: KerberosMechanism,
  initial: SpnegoToken,
  context: AcceptContext,
): Promise<AcceptResult> {
  const { mechTypes, mechToken, mechListMIC } = initial;
  // The client's own spelling of Kerberos goes back to it: Windows does not take the one OID for the other.
  const selected = mechTypes.find(isKrb5Mech);
  if (selected === undefined) {
    const reject = encodeNegTokenResp({ negState: 'reject' });
    return mechTypes.includes(MechOid.ntlmssp)
      ? ntlmOffered(reject)
      : failed('mechanism-unsupported', 'The client offers neither Kerberos nor NTLM', reject);
  }

  const negotiation = new SpnegoNegotiation(kerberos, initial, selected);
  const favourite = isKrb5Mech(mechTypes[0] ?? '');
  // An optimistic token is for the client's favourite; one for another mechanism is passed over (RFC 4178, 4.2.1).
  if (favourite && mechToken !== undefined) return negotiation.token(mechToken, mechListMIC, selected, context);
  return {
    kind: 'continue',
    reply: encodeNegTokenResp({ negState: favourite ? 'accept-incomplete' : 'request-mic', supportedMech: selected }),
    state: new NegotiationState((token, later) => negotiation.secondLeg(token, later)),
  };
}

/** What is kept for the last leg, and no more: nothing of the token. */
interface WaitingForMic {
  readonly client: AcceptedClient;
  readonly sequence: number;
  readonly context: GssContext;
  readonly deadline: number;
}

/** One negotiation whose mechanism is chosen. */
class SpnegoNegotiation {
  readonly #kerberos: KerberosMechanism;
  readonly #mechTypeListDer: Uint8Array;
  readonly #micRequired: boolean;

  constructor(kerberos: KerberosMechanism, { mechTypes, mechTypeListDer }: SpnegoToken, selected: string) {
    this.#kerberos = kerberos;
    // A copy: a view would keep the whole token while the client's next leg is awaited, for everybody who asks for that.
    this.#mechTypeListDer = Uint8Array.from(mechTypeListDer);
    this.#micRequired = mechListMicRequired(mechTypes, selected);
  }

  /** The client's Kerberos token, after it was told that Kerberos is chosen. */
  async secondLeg(bytes: Uint8Array, context: AcceptContext): Promise<AcceptResult> {
    const leg = readLeg(bytes);
    if (leg.kind === 'unreadable') return reject(leg.failure);
    if (leg.responseToken === undefined || leg.negState === 'reject')
      return failed(
        'mechanism-unsupported',
        'The client broke off the negotiation when Kerberos was chosen',
        rejection(),
      );
    const { responseToken, mechListMIC } = leg;
    const inner = reading(() => readInitialToken(responseToken));
    if (inner.kind === 'unreadable') return reject(inner.failure);
    if (inner.kind === 'ntlm') return ntlmOffered(rejection());
    return this.token(responseToken, mechListMIC, undefined, context);
  }

  /** `announce` is the mechanism to name in the reply, which only the first reply does (RFC 4178, 4.2.2). */
  async token(
    kerberosToken: Uint8Array,
    clientMic: Uint8Array | undefined,
    announce: string | undefined,
    context: AcceptContext,
  ): Promise<AcceptResult> {
    const supportedMech = announce === undefined ? {} : { supportedMech: announce };
    const refusal = (reason: Failure, errorToken: Uint8Array | undefined): AcceptResult =>
      reject(reason, { ...supportedMech, ...(errorToken && { responseToken: errorToken }) });

    const opened = this.#kerberos.open(kerberosToken, context);
    if (opened.kind === 'refused') return refusal(opened.failure, opened.errorToken);
    const micFailure = this.#checkFirstMic(clientMic, opened);
    if (micFailure !== undefined) return refusal(micFailure, undefined);
    const seen = await this.#kerberos.claim(opened, context);
    if (seen !== undefined) return refusal(seen.failure, seen.errorToken);

    const answer = opened.mutual ? apRepToken(opened) : { token: undefined, context: contextWithoutReply(opened) };
    const micMissing = this.#micRequired && clientMic === undefined;
    const reply = encodeNegTokenResp({
      negState: micMissing ? 'accept-incomplete' : 'accept-completed',
      ...supportedMech,
      ...(answer.token && { responseToken: answer.token }),
      ...((micMissing || clientMic) && { mechListMIC: this.#ourMic(answer.context) }),
    });
    if (!micMissing) return { kind: 'accepted', client: opened.client, reply };
    const deadline = context.now + this.#kerberos.policy.maxSkewMs;
    const waiting = { client: opened.client, sequence: opened.initiatorSequence, context: answer.context, deadline };
    const state = new NegotiationState((token, later) => this.#lastLeg(token, later, waiting));
    return { kind: 'continue', reply, state };
  }

  /**
   * The MIC that comes with the Kerberos token. Where it is required and we answer with an AP-REP, the client cannot
   * make it before it has that answer, and sends it in a leg of its own (RFC 4178, 5 b and c).
   */
  #checkFirstMic(clientMic: Uint8Array | undefined, opened: VerifiedApReq): Failure | undefined {
    if (clientMic !== undefined)
      return this.#micFailure(clientMic, contextWithoutReply(opened), opened.initiatorSequence);
    if (!this.#micRequired) return undefined;
    if (!opened.mutual) return micFailure('is missing, although Kerberos was not the first choice');
    return opened.initiatorKey.etype === Etype.rc4Hmac ? micFailure('cannot be made with an RC4 key') : undefined;
  }

  /** The client's MIC after our AP-REP. Nothing goes back: its own verification was done with our last reply. */
  async #lastLeg(
    bytes: Uint8Array,
    { now }: AcceptContext,
    { client, sequence, context, deadline }: WaitingForMic,
  ): Promise<AcceptResult> {
    const leg = readLeg(bytes);
    if (leg.kind === 'unreadable') return reject(leg.failure);
    if (now > deadline) return reject(micFailure('came too late'));
    if (leg.mechListMIC === undefined) return reject(micFailure('is missing'));
    const wrong = this.#micFailure(leg.mechListMIC, context, sequence);
    return wrong === undefined ? accepted(client) : reject(wrong);
  }

  #micFailure(mic: Uint8Array, { key, acceptorSubkey }: GssContext, seq: number): Failure | undefined {
    const good = verifyMicToken(key, mic, this.#mechTypeListDer, { sentBy: 'initiator', acceptorSubkey, seq });
    return good ? undefined : micFailure('is wrong: the list was altered on the way, or another key was used');
  }

  #ourMic({ key, acceptorSubkey, sequence }: GssContext): Uint8Array {
    return micToken(key, this.#mechTypeListDer, { sentBy: 'acceptor', acceptorSubkey, seq: sequence });
  }
}

const readLeg = (bytes: Uint8Array) => reading(() => ({ kind: 'leg' as const, ...readNegTokenResp(bytes) }));

const accepted = (client: AcceptedClient): AcceptResult => ({ kind: 'accepted', client, reply: undefined });

const micFailure = (what: string): Failure => ({
  code: 'mech-list-mic',
  message: `The checksum over the client's list of mechanisms ${what}`,
});

const rejection = (fields: Omit<NegTokenResp, 'negState'> = {}): Uint8Array =>
  encodeNegTokenResp({ negState: 'reject', ...fields });

const reject = (reason: Failure, fields?: Omit<NegTokenResp, 'negState'>): AcceptResult => ({
  kind: 'failed',
  failure: reason,
  reply: rejection(fields),
});
