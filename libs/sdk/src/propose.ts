import { IntentReceiptV1, intentSubject, parseIntent, PreviewV1, previewSubject, type IntentV1Input } from '@tallystick/contracts';
import type { Intent, Refusal } from '@tallystick/domain';
import type { JsonValue, Ports } from '@tallystick/ports';
import { askUntil, refusalIn, type Reading, type WaitOptions } from './ask.ts';
import type { Settings } from './settings.ts';
import type { Wire } from './wire.ts';

/**
 * An intent as a strategy writes it: `key`, `orders` and what else IntentV1 takes. Strategy, account and mode are those of the
 * connection. Decimals are strings.
 */
export type IntentInput = Omit<IntentV1Input, 'version' | 'strategy' | 'account' | 'mode'>;

export interface FieldIssue {
  readonly field: string;
  readonly detail: string;
}

/** How a proposal ended. `status` is the record's own word, `code` the stable one to act on. */
export type ProposalOutcome =
  /** Recorded; it will be decided. `repeated`: this key had been accepted before, this is that answer. */
  | {
      readonly status: 'accepted';
      readonly code: 'ACCEPTED';
      readonly intentKey: string;
      readonly digest: string;
      readonly requestId: string;
      readonly repeated: boolean;
      readonly orders: readonly { readonly leg: number; readonly orderId: string }[];
      /** Log position of the record. */
      readonly position?: string;
    }
  /** Recorded as refused, for good: `refusals` say why. A changed intent needs a new key. */
  | { readonly status: 'refused'; readonly code: 'INTENT_REFUSED'; readonly intentKey: string; readonly requestId: string; readonly repeated: boolean; readonly refusals: readonly Refusal[] }
  /** The key belongs to another intent, recorded earlier, and that one stands. */
  | { readonly status: 'conflict'; readonly code: 'INTENT_KEY_CONFLICT'; readonly intentKey: string; readonly requestId: string; readonly detail: string; readonly recordedDigest: string }
  /** Not an intent. `sent` false: it was found here and nobody was asked. Codes INTENT_INVALID, INTENT_TOO_LARGE, INTENT_TOO_DEEP and those of the responder. */
  | { readonly status: 'malformed'; readonly code: string; readonly detail: string; readonly issues: readonly FieldIssue[]; readonly sent: boolean }
  /** Nobody answered in time: it may or may not be recorded. Propose the same key again, never another one. */
  | { readonly status: 'unanswered'; readonly code: 'UNANSWERED'; readonly intentKey: string; readonly attempts: number; readonly lastCode: string; readonly detail: string };

/** A restart of the service and its store fits in several times. */
export const PROPOSE_WITHIN_MS = 60_000;

export type Prepared =
  | { readonly ok: true; readonly wire: JsonValue; readonly intent: Intent }
  | { readonly ok: false; readonly malformed: Extract<ProposalOutcome, { status: 'malformed' }> };

/** The bytes to send, the same on every repeat, and the intent in them. */
export const prepare = (settings: Settings, input: IntentInput): Prepared => {
  const { strategy, account, mode } = settings;
  const text = JSON.stringify({ ...input, version: 1, strategy, account, mode } satisfies IntentV1Input);
  const parsed = parseIntent(text);
  if (!parsed.ok) return { ok: false, malformed: { status: 'malformed', code: parsed.code, detail: parsed.detail, issues: parsed.issues, sent: false } };
  return { ok: true, wire: JSON.parse(text) as JsonValue, intent: parsed.intent };
};

const outcomeOf = (receipt: Exclude<IntentReceiptV1, { status: 'unavailable' }>): ProposalOutcome => {
  switch (receipt.status) {
    case 'accepted':
      return {
        status: 'accepted', code: 'ACCEPTED', intentKey: receipt.intent_key, digest: receipt.digest, requestId: receipt.request_id, repeated: receipt.repeated,
        orders: receipt.orders.map(({ leg, order_id: orderId }) => ({ leg, orderId })), ...(receipt.position === undefined ? {} : { position: receipt.position }),
      };
    case 'refused':
      return { status: 'refused', code: 'INTENT_REFUSED', intentKey: receipt.intent_key, requestId: receipt.request_id, repeated: receipt.repeated, refusals: receipt.refusals };
    case 'conflict':
      return { status: 'conflict', code: receipt.code, intentKey: receipt.intent_key, requestId: receipt.request_id, detail: receipt.detail, recordedDigest: receipt.recorded_digest };
    case 'malformed':
      return { status: 'malformed', code: receipt.code, detail: receipt.detail, issues: receipt.issues, sent: true };
  }
};

const readReceipt = (answer: JsonValue): Reading<ProposalOutcome> => {
  const refusal = refusalIn(answer);
  if (refusal) {
    const { code, detail, retryable } = refusal;
    return retryable ? { kind: 'again', code, detail } : { kind: 'answer', value: { status: 'malformed', code, detail, issues: [], sent: true } };
  }
  const receipt = IntentReceiptV1.safeParse(answer);
  if (!receipt.success) return { kind: 'again', code: 'ANSWER_UNREADABLE', detail: 'the answer is not a receipt' };
  if (receipt.data.status === 'unavailable') return { kind: 'again', code: receipt.data.code, detail: receipt.data.detail };
  return { kind: 'answer', value: outcomeOf(receipt.data) };
};

/** Sends until answered; the acceptance is the reply, which comes after the append. Never with another key. */
export const submit = async (wire: Wire, ports: Ports, settings: Settings, prepared: Extract<Prepared, { ok: true }>, options: WaitOptions): Promise<ProposalOutcome> => {
  const asked = await askUntil(wire, ports, { ...options, withinMs: options.withinMs ?? PROPOSE_WITHIN_MS, subject: intentSubject(settings.strategy.id), body: prepared.wire, why: 'propose again', read: readReceipt });
  if (asked.ok) return asked.value;
  return { status: 'unanswered', code: 'UNANSWERED', intentKey: prepared.intent.intent_key, attempts: asked.attempts, lastCode: asked.code, detail: asked.detail };
};

export type PreviewOutcome =
  | Extract<PreviewV1, { status: 'previewed' | 'refused' }>
  | { readonly status: 'malformed'; readonly code: string; readonly detail: string; readonly issues: readonly FieldIssue[] }
  | { readonly status: 'unanswered'; readonly code: 'UNANSWERED'; readonly attempts: number; readonly lastCode: string; readonly detail: string };

const readPreview = (answer: JsonValue): Reading<PreviewOutcome> => {
  const refusal = refusalIn(answer);
  if (refusal) {
    const { code, detail, retryable } = refusal;
    return retryable ? { kind: 'again', code, detail } : { kind: 'answer', value: { status: 'malformed', code, detail, issues: [] } };
  }
  const preview = PreviewV1.safeParse(answer);
  if (!preview.success) return { kind: 'again', code: 'ANSWER_UNREADABLE', detail: 'the answer is not a preview' };
  if (preview.data.status === 'unavailable') return { kind: 'again', code: preview.data.code, detail: preview.data.detail };
  return { kind: 'answer', value: preview.data };
};

/** What would be decided and sent now; nothing is recorded. */
export const previewIntent = async (wire: Wire, ports: Ports, settings: Settings, prepared: Extract<Prepared, { ok: true }>, options: WaitOptions): Promise<PreviewOutcome> => {
  const asked = await askUntil(wire, ports, { ...options, withinMs: options.withinMs ?? PROPOSE_WITHIN_MS, subject: previewSubject(settings.strategy.id), body: prepared.wire, why: 'preview again', read: readPreview });
  return asked.ok ? asked.value : { status: 'unanswered', code: 'UNANSWERED', attempts: asked.attempts, lastCode: asked.code, detail: asked.detail };
};
