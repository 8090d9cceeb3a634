/**
 * Stands in front of an app with limits, between policy and the app: chooses the tier, looks at the model that the request
 * names, counts it together with everybody else's, and follows it until it is over. What it decides is told in numbers
 * and names alone; what was asked and answered is read and forgotten.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { apiKeyIdOf } from '../auth/api-key.ts';
import { Throttle } from '../auth/throttle.ts';
import { allowsModel, chooseTier, type Tier } from '../limits/tiers.ts';
import { rateLimitFields } from '../limits/rate-limit-fields.ts';
import type { Acquired, LimitCheck, Limiter } from '../ports/limiter.ts';
import { StoreUnavailable } from '../ports/store-unavailable.ts';
import { type ModelRequest, readModelRequest, tokensOfCharacters, tokensToReserve } from '../usage/model-request.ts';
import { modelsOfQuery } from '../usage/other-models.ts';
import { foldFieldName } from '../wire/field-names.ts';
import { type Fields, singleField } from '../wire/fields.ts';
import type { Judgement, Verdict } from '../wire/http.ts';
import type { App, AppLimits } from './apps.ts';
import type { Leases } from './leases.ts';
import type { Live } from './live.ts';
import { clientGone, type Meter, Metered, type UsageOutcome } from './metered.ts';
import {
  type AnswerWords,
  limitReached,
  limitsUnavailable,
  modelAnswer,
  modelNotAllowed,
  noRoom,
  noTier,
  tooLarge,
  unreadable,
} from './model-answers.ts';
import type { Recorder } from './recorder.ts';
import type { RequestContext } from './request-context.ts';
import type { UsageNotes } from './usage-notes.ts';

export interface EnforcerParts {
  readonly limiter: Pick<Limiter, 'acquire'>;
  readonly leases: Leases;
  readonly usage: Pick<UsageNotes, 'note'>;
  readonly recorder: Recorder;
  readonly now: () => number;
}

/** A request that policy has let through to an app with limits. */
export interface Limited {
  readonly context: RequestContext;
  readonly app: App;
  readonly limits: AppLimits;
  readonly live: Live;
  /** For an answer of ours in the place of the app's. */
  readonly responseFields: Fields;
  /** Goes on to the app, or is refused for another reason. */
  readonly goOn: (meter: Meter) => Judgement;
}

/** The same with what holds for whoever asks. */
interface Chosen extends Limited {
  readonly tier: Tier | undefined;
  readonly checks: readonly LimitCheck[];
  readonly groups: readonly string[];
}

/** What the content of a request says. */
interface Asked {
  readonly model: string | undefined;
  /** To set aside; 0 where nobody counts tokens. */
  readonly tokens: number;
  readonly promptTokens: number | undefined;
  readonly bytes: number | undefined;
}

/** So often is it written down for the auditor that a limit has refused somebody. Usage has each time. */
const tellMs = 60_000;

/** Rows of usage for the refusals of somebody in a minute. All of them are in the metrics. */
const refusalsKept = 100;

/** People that are remembered for either. */
const maxKeys = 20_000;

/** Methods by which nobody asks a model, unless they bring content. */
const asksNothing: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE']);

/** Lets a request through to an app with limits, or refuses it; each is noted once. */
export class Enforcer {
  readonly #parts: EnforcerParts;
  /** Whom a limit has refused within the last minute. */
  readonly #told = new Throttle({ limit: 1, windowMs: tellMs, maxKeys });

  /** Refusals of somebody in this minute. */
  readonly #refusals = new Throttle({ limit: refusalsKept, windowMs: tellMs, maxKeys });

  constructor(parts: EnforcerParts) {
    this.#parts = parts;
  }

  /** Judges it by the limits. At once where it can. */
  admit(limited: Limited): Verdict | Promise<Verdict> {
    const { limits, live, context } = limited;
    const choice = chooseTier(limits.tiers, { subject: live.subject, apiKey: keyBehind(live) });
    if (choice.kind === 'refused')
      return this.#refuse({ ...limited, tier: undefined, checks: [], groups: [] }, nothingRead, choice.reason, noTier);
    const chosen: Chosen = { ...limited, ...choice };
    if (!limits.readsContent) return this.#acquire(chosen, nothingRead);
    const elsewhere = modelsOfQuery(context.query).find((model) => !allowsModel(choice.tier, model));
    if (elsewhere !== undefined) return this.#refuseModel(chosen, nothingRead, elsewhere);
    // What goes through a tunnel is not read.
    if (context.head.upgrade)
      return allowsModel(choice.tier, undefined)
        ? this.#acquire(chosen, { ...nothingRead, tokens: reserved(chosen, limits.usualAnswer) })
        : this.#refuseModel(chosen, nothingRead);
    return {
      kind: 'inspect',
      maxBytes: limits.contentBytes,
      holder: choice.checks[0]?.key,
      judge: (content) => this.#judge(chosen, content),
      refuse: (why) =>
        why === 'too-large'
          ? this.#refuse(chosen, nothingRead, 'content-too-large', tooLarge(limits.contentBytes)).reply
          : this.#refuse(chosen, nothingRead, 'no-room', noRoom).reply,
      abandoned: (status) =>
        this.#note(chosen, nothingRead, undefined, {
          ...nothingKnown,
          status: status === clientGone ? undefined : status,
        }),
    };
  }

  #judge(chosen: Chosen, content: Uint8Array): Judgement | Promise<Judgement> {
    const { context, tier } = chosen;
    const bytes = content.length;
    if (tier === undefined) throw new TypeError('Content is read for somebody who has a tier');
    if (bytes === 0) {
      const asked = { ...nothingRead, bytes, promptTokens: 0 };
      return asksNothing.has(context.head.method) || allowsModel(tier, undefined)
        ? this.#acquire(chosen, asked)
        : this.#refuseModel(chosen, asked);
    }
    if (!isJson(context.fields)) {
      const asked = { ...nothingRead, bytes, ...this.#tokensOf(chosen, content) };
      return allowsModel(tier, undefined) ? this.#acquire(chosen, asked) : this.#refuseModel(chosen, asked);
    }
    const outcome = readModelRequest(content);
    if (outcome.kind === 'refused')
      return this.#refuse(
        chosen,
        { ...nothingRead, bytes },
        outcome.reason,
        unreadable(outcome.reason.replaceAll('-', '_'), outcome.message),
      );
    const { request } = outcome;
    const asked = { model: request.model, bytes, ...tokensOf(chosen, request) };
    if (!allowsModel(tier, request.model)) return this.#refuseModel(chosen, asked);
    const other = request.otherModels.find((model) => !allowsModel(tier, model));
    return other === undefined ? this.#acquire(chosen, asked) : this.#refuseModel(chosen, asked, other);
  }

  /** Of content that does not call itself JSON. Backends read it all the same, so that its prompt is not for nothing. */
  #tokensOf(chosen: Chosen, content: Uint8Array): Pick<Asked, 'tokens' | 'promptTokens'> {
    const tokens = reserved(chosen, chosen.limits.usualAnswer);
    const outcome = tokens === 0 ? undefined : readModelRequest(content);
    return outcome?.kind === 'ok' ? tokensOf(chosen, outcome.request) : { tokens, promptTokens: undefined };
  }

  #acquire(chosen: Chosen, asked: Asked): Judgement | Promise<Judgement> {
    const { app, checks, limits } = chosen;
    const lease = randomUUID();
    const { leaseMs } = limits;
    let acquired: Acquired | Promise<Acquired>;
    try {
      acquired = this.#parts.limiter.acquire({
        app: app.name,
        checks,
        lease,
        leaseMs,
        tokens: asked.tokens,
        whenUnshared: limits.tiers.whenUnshared,
      });
    } catch (error) {
      return this.#unavailable(chosen, asked, error);
    }
    if (!(acquired instanceof Promise)) return this.#acquired(chosen, asked, lease, acquired);
    return acquired.then(
      (known) => this.#acquired(chosen, asked, lease, known),
      (error: unknown) => this.#unavailable(chosen, asked, error),
    );
  }

  #acquired(chosen: Chosen, asked: Asked, lease: string, acquired: Acquired): Judgement {
    const { app, context, limits, responseFields, goOn } = chosen;
    const { leases, now, recorder } = this.#parts;
    const { limitDecisions, limitsUnshared } = recorder.metrics;
    if (acquired.unshared) limitsUnshared.inc({ app: app.name });
    if (!acquired.granted) {
      limitDecisions.inc({ app: app.name, result: acquired.limit });
      this.#tell(chosen, acquired.limit);
      const reply = limitReached(acquired, context.requestId, responseFields);
      this.#note(chosen, asked, acquired.limit, { ...nothingKnown, status: reply.status });
      return { kind: 'reply', reply };
    }
    limitDecisions.inc({ app: app.name, result: 'granted' });
    leases.hold(lease, limits.leaseMs);
    const giveBack = (): void => leases.release(lease, limits.leaseMs, { tokens: 0 });
    let judgement: Judgement;
    try {
      const meter = new Metered({
        leases,
        lease,
        leaseMs: limits.leaseMs,
        responseFields: rateLimitFields(acquired.left).flat(),
        promptTokens: asked.promptTokens,
        since: context.now,
        now,
        note: (outcome, refusal) => this.#note(chosen, asked, refusal, outcome),
      });
      judgement = goOn(meter);
    } catch (error) {
      // Else it would be renewed for as long as this process lives.
      giveBack();
      throw error;
    }
    if (judgement.kind === 'reply') {
      giveBack();
      this.#note(chosen, asked, 'too-many-streams', { ...nothingKnown, status: judgement.reply.status });
    }
    return judgement;
  }

  #unavailable(chosen: Chosen, asked: Asked, error: unknown): Judgement {
    if (!(error instanceof StoreUnavailable)) throw error;
    this.#parts.recorder.metrics.limitDecisions.inc({ app: chosen.app.name, result: 'unavailable' });
    this.#tell(chosen, 'limits-unavailable');
    return this.#answer(chosen, asked, 'limits-unavailable', limitsUnavailable);
  }

  #refuseModel(chosen: Chosen, asked: Asked, model = asked.model): Extract<Judgement, { kind: 'reply' }> {
    return this.#refuse(chosen, asked, 'model-not-allowed', modelNotAllowed(model));
  }

  /** Refuses for what the request is: each is in the audit log. */
  #refuse(chosen: Chosen, asked: Asked, reason: string, words: AnswerWords): Extract<Judgement, { kind: 'reply' }> {
    const { context, app, live } = chosen;
    this.#parts.recorder.refused(context, app, reason, live);
    return this.#answer(chosen, asked, reason, words);
  }

  #answer(chosen: Chosen, asked: Asked, reason: string, words: AnswerWords): Extract<Judgement, { kind: 'reply' }> {
    this.#note(chosen, asked, reason, { ...nothingKnown, status: words.status });
    const { context, responseFields } = chosen;
    return { kind: 'reply', reply: modelAnswer(context.requestId, words, responseFields) };
  }

  /** Whether one more refusal of somebody is worth a row of usage: who does not stop asking fills no disk. */
  #isWorthARow({ app, live }: Chosen, now: number): boolean {
    const key = JSON.stringify([app.name, live.identity.subject]);
    if (this.#refusals.wait(key, now) > 0) return false;
    this.#refusals.begin(key, now);
    return true;
  }

  /** Refuses for how much there is of it: who does not stop asking fills no audit log. */
  #tell({ context, app, live }: Chosen, reason: string): void {
    const { recorder } = this.#parts;
    const key = JSON.stringify([app.name, reason, live.identity.subject]);
    const { now } = context;
    if (this.#told.wait(key, now) > 0) return recorder.refusedAgain(app, reason);
    this.#told.begin(key, now);
    recorder.refused(context, app, reason, live);
  }

  #note(chosen: Chosen, asked: Asked, refusal: string | undefined, outcome: UsageOutcome): void {
    const { context, app, live, tier, groups } = chosen;
    const { account, subject } = live.identity;
    const keep = refusal === undefined || this.#isWorthARow(chosen, context.now);
    const record = {
      requestId: context.requestId,
      time: context.now,
      app: app.name,
      account,
      subject,
      groups,
      tier: tier?.name,
      model: asked.model,
      apiKey: keyBehind(live) ?? live.keys?.[0]?.id,
      refusal,
      ...outcome,
      bytesIn: outcome.bytesIn ?? asked.bytes,
    };
    this.#parts.usage.note(record, { keep });
  }
}

const nothingRead: Asked = { model: undefined, tokens: 0, promptTokens: undefined, bytes: undefined };

const nothingKnown: UsageOutcome = {
  status: undefined,
  tokensIn: undefined,
  tokensOut: undefined,
  estimated: false,
  firstTokenMs: undefined,
  durationMs: undefined,
  bytesIn: undefined,
  bytesOut: undefined,
};

/** Where nobody counts tokens none are set aside. */
const reserved = ({ checks }: Chosen, tokens: number): number =>
  checks.some(({ tokensPerMinute, tokensPerDay }) => (tokensPerMinute ?? tokensPerDay) !== undefined) ? tokens : 0;

/** What a request may cost before its answer tells. */
const tokensOf = (chosen: Chosen, request: ModelRequest): Pick<Asked, 'tokens' | 'promptTokens'> => ({
  promptTokens: tokensOfCharacters(request.promptCharacters),
  tokens: reserved(chosen, tokensToReserve(request, chosen.limits.usualAnswer)),
});

/** The API key that asks, by itself or by a token that was made of it: it is counted once. */
const keyBehind = ({ identity, keys = [] }: Live): string | undefined =>
  apiKeyIdOf(identity) ?? keys.find(({ id }) => apiKeyIdOf({ ...identity, method: 'api_key' }) === id)?.id;

/** JSON that can be read as it is: in UTF-8, whatever else some readers know of, and not compressed. */
function isJson(fields: Fields): boolean {
  const type = singleField(fields, 'content-type');
  if (type === undefined || type === 'ambiguous') return false;
  if (fields.some((text, i) => i % 2 === 0 && foldFieldName(text) === 'content-encoding')) return false;
  const [media = '', ...parameters] = type.value.split(';').map((part) => part.trim().toLowerCase());
  if (!parameters.every((text) => text === '' || isHarmless(text))) return false;
  return media === 'application/json' || /^application\/[a-z0-9.!#$&^_-]+\+json$/.test(media);
}

const isHarmless = (parameter: string): boolean =>
  /^charset=(?:utf-?8|"utf-?8"|us-ascii)$/.test(parameter) ||
  /^(?!charset)[a-z0-9._-]+=[a-z0-9._/:+-]*$/.test(parameter);
