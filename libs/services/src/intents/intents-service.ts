import {
  auditStream, commandSubject, factIdOf, intentDigestOf, intentStream, orderIdOf, parseIntent, partitionOf, sha256Hex, type ParsedIntent,
} from '@tallystick/contracts';
import { decideIntent, refuseOffGrid, type AcceptedIntent, type AuditEvent, type Intent, type IntentEvent, type IntentState, type Refusal } from '@tallystick/domain';
import { appendAfter, handle, NO_STREAM, OwnedStream, type Fact, type HandleFailure, type Handled, type Loaded } from '@tallystick/event-sourcing';
import type { ReferenceData } from '../reference/reference-data.ts';
import { auditFolding, intentFolding } from '../shared/foldings.ts';
import { recordContext, type ServicePorts } from '../shared/service-ports.ts';

/** What a submitter is told. `repeated` marks the recorded answer given again. */
export type IntentReceipt =
  | {
      readonly version: 1;
      readonly status: 'accepted' | 'refused';
      readonly intent_key: string;
      readonly digest: string;
      readonly request_id: string;
      readonly orders: readonly { readonly leg: number; readonly order_id: string }[];
      readonly refusals: readonly Refusal[];
      readonly repeated: boolean;
      readonly position?: string;
    }
  | { readonly version: 1; readonly status: 'conflict'; readonly intent_key: string; readonly code: 'INTENT_KEY_CONFLICT'; readonly detail: string; readonly request_id: string; readonly recorded_digest: string; readonly digest: string }
  | { readonly version: 1; readonly status: 'malformed'; readonly code: string; readonly detail: string; readonly issues: readonly { readonly field: string; readonly detail: string }[]; readonly request_id: string }
  /** Nothing was recorded; ask again with the same key. */
  | { readonly version: 1; readonly status: 'unavailable'; readonly code: string; readonly detail: string; readonly request_id: string };

/** Beyond this many malformed bodies waiting to be recorded, further ones are refused as busy rather than held in memory. */
const AUDIT_QUEUE_MAX = 1000;

/** Who is asking, by the channel's own knowledge. */
export interface Submitter {
  readonly strategy: string;
  readonly channel: string;
  readonly actor?: string;
}

const ofStrategy = (parsed: ParsedIntent, strategy: string): ParsedIntent => {
  if (!parsed.ok || parsed.intent.strategy.id === strategy) return parsed;
  const detail = `strategy.id: STRATEGY_MISMATCH: sent by ${strategy}, names another strategy`;
  return { ok: false, code: 'INTENT_INVALID', detail, issues: [{ field: 'strategy.id', detail }] };
};

/** Records every intent before it answers; the answer is the acceptance. */
export class IntentsService {
  private audit: OwnedStream<null, AuditEvent> | undefined;
  private auditQueued = 0;

  constructor(
    private readonly world: ServicePorts,
    private readonly reference: ReferenceData,
  ) {}

  async start(): Promise<void> {
    const opened = await OwnedStream.open(this.world.store, auditFolding, auditStream(this.world.identity.instance));
    if (!opened.ok) throw new Error(`${opened.code}: ${opened.detail}`);
    this.audit = opened.owned;
  }

  /**
   * Bytes of one IntentV1. `strategy` is who the channel says is asking; an intent of another strategy is refused
   * (STRATEGY_MISMATCH). Size, depth, JSON and schema faults are recorded on the audit stream and answered `malformed`.
   */
  submit(body: Uint8Array | string, from: Submitter): Promise<IntentReceipt> {
    return this.answer(parseIntent(body), body, from);
  }

  private async answer(read: ParsedIntent, body: Uint8Array | string, from: Submitter): Promise<IntentReceipt> {
    const requestId = this.world.ports.ids.unique('request');
    const started = this.world.ports.clock.monotonicMs();
    const parsed = ofStrategy(read, from.strategy);
    const receipt = parsed.ok
      ? await this.accept(parsed.intent, requestId, from.actor ?? `strategy:${from.strategy}`)
      : await this.recordMalformed(body, parsed, requestId, from.channel);
    this.world.metrics.count('tally_intents_total', { status: receipt.status });
    this.world.metrics.observeMs('tally_intent_accept_ms', this.world.ports.clock.monotonicMs() - started, { status: receipt.status });
    return receipt;
  }

  /** Everything that would be refused at the border, without recording anything. */
  check(body: Uint8Array | string, strategy: string): { readonly ok: true; readonly accepted: AcceptedIntent; readonly refusals: readonly Refusal[] } | Extract<ParsedIntent, { ok: false }> {
    const parsed = ofStrategy(parseIntent(body), strategy);
    if (!parsed.ok) return parsed;
    return { ok: true, accepted: this.submitted(parsed.intent, 'preview'), refusals: this.refusals(parsed.intent) };
  }

  private refusals(intent: Intent): readonly Refusal[] {
    const account = this.reference.policy()?.document.accounts[intent.account];
    const unknown: readonly Refusal[] = account
      ? [] : [{ code: 'ACCOUNT_NOT_ALLOWED', field: 'account', observed: intent.account, detail: `account ${intent.account} is not in the policy in force` }];
    const instruments = this.reference.instruments();
    return [...unknown, ...intent.orders.flatMap((order, i) => refuseOffGrid(order, instruments, `orders.${i}`))];
  }

  private submitted(intent: Intent, requestId: string): AcceptedIntent {
    const businessTimeMs = this.world.business.nowMs();
    return {
      intent, digest: intentDigestOf(intent), request_id: requestId,
      risk_group: this.reference.policy()?.document.accounts[intent.account]?.risk_group ?? '',
      legs: intent.orders.map((_, leg) => ({ leg, order_id: orderIdOf(intent.intent_key, leg) })),
      ...(businessTimeMs === undefined ? {} : { business_time_ms: businessTimeMs }),
    };
  }

  private async accept(intent: Intent, requestId: string, actor: string): Promise<IntentReceipt> {
    const base = { version: 1, request_id: requestId } as const;
    if (!this.reference.isReady()) {
      return { ...base, status: 'unavailable', code: 'POLICY_UNREADABLE', detail: 'no policy, or no kill switch, can be read: nothing is accepted until it can' };
    }
    const submitted = this.submitted(intent, requestId);
    const handled = await this.record(submitted, this.refusals(intent), actor);
    if (!handled.ok) return { ...base, status: 'unavailable', code: handled.code, detail: `${handled.detail}; nothing is promised: send the same key again` };
    const { state } = handled;
    if (state.kind === 'none') return { ...base, status: 'unavailable', code: 'STORE_UNAVAILABLE', detail: 'the intent was not found after it was recorded' };
    if (state.digest !== submitted.digest) {
      return { ...base, status: 'conflict', intent_key: intent.intent_key, code: 'INTENT_KEY_CONFLICT', digest: submitted.digest, recorded_digest: state.digest,
        detail: 'this key belongs to another intent, recorded earlier: the first stands; a different intent needs a different key' };
    }
    this.world.failpoints.at('intents.appended');
    if (state.kind === 'accepted') this.publish(intent.intent_key, state.risk_group ?? '');
    return {
      ...base, status: state.kind, intent_key: intent.intent_key, digest: state.digest, request_id: state.request_id, orders: state.legs,
      refusals: state.refusals, repeated: state.request_id !== requestId, ...(handled.position === undefined ? {} : { position: handled.position.toString() }),
    };
  }

  private async record(submitted: AcceptedIntent, refusals: readonly Refusal[], actor: string): Promise<Handled<IntentState, IntentEvent> | HandleFailure> {
    const stream = intentStream(submitted.intent.intent_key);
    const context = recordContext(this.world, this.reference.policyHash(), { correlationId: submitted.intent.intent_key, causationId: submitted.request_id, actor });
    const facts = (state: IntentState): readonly Fact<IntentEvent>[] => {
      const answer = decideIntent(state, submitted, refusals);
      if (answer.kind === 'repeat' || answer.event === undefined) return [];
      // Per request, not per body: of two identical submissions at once only one may believe that it was first.
      return [{ id: factIdOf(stream, submitted.request_id, 0), event: answer.event }];
    };
    const nothing: Loaded<IntentState> = { state: intentFolding.initial(), end: NO_STREAM, ids: new Set() };
    // Nearly every intent is new: try that first and read only when it was not.
    const fresh = await appendAfter(this.world.store, intentFolding, stream, context, nothing, facts(nothing.state));
    if (fresh.ok) return fresh;
    return handle(this.world.store, intentFolding, stream, context, ({ state }) => facts(state));
  }

  /** The same message id for the same intent: the broker drops what it still remembers, the risk service the rest. */
  private publish(intentKey: string, riskGroup: string): void {
    const subject = commandSubject('risk', partitionOf(riskGroup), 'evaluate');
    void this.world.bus.send(subject, { version: 1, intent_key: intentKey, risk_group: riskGroup }, `evaluate/${intentKey}`).then((sent) => {
      if (!sent.ok) this.world.log.write('warn', 'intent.not_published', { intent_key: intentKey, detail: sent.detail });
    });
  }

  private async recordMalformed(body: Uint8Array | string, fault: Extract<ParsedIntent, { ok: false }>, requestId: string, channel: string): Promise<IntentReceipt> {
    const answer: IntentReceipt = { version: 1, status: 'malformed', code: fault.code, detail: fault.detail, issues: fault.issues, request_id: requestId };
    if (!this.audit || this.auditQueued >= AUDIT_QUEUE_MAX) return { version: 1, status: 'unavailable', code: 'BUSY', detail: 'too many malformed bodies at once', request_id: requestId };
    const text = typeof body === 'string' ? body : Buffer.from(body).toString('latin1');
    this.auditQueued += 1;
    const context = recordContext(this.world, this.reference.policyHash(), { correlationId: requestId, causationId: requestId });
    const recorded = await this.audit.submit(context, () => ({
      result: undefined,
      facts: [{ id: this.world.ports.ids.unique('audit'), event: { type: 'IntentMalformed', data: {
        request_id: requestId, code: fault.code, detail: fault.detail.slice(0, 1024), bytes: Buffer.byteLength(body), body_sha256: sha256Hex(text), channel } } }],
    }));
    this.auditQueued -= 1;
    return recorded.ok ? answer : { version: 1, status: 'unavailable', code: recorded.code, detail: recorded.detail, request_id: requestId };
  }
}
