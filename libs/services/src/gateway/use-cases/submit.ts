import { BusRefusalV1, ID_TEXT, INTENT_BYTES_MAX, IntentReceiptV1, intentSubject, parseIntent, PreviewV1, previewSubject, type ParsedIntent } from '@tallystick/contracts';
import type { JsonValue } from '@tallystick/ports';
import type { GatewayPorts } from '../gateway-ports.ts';
import { answer, type Answer } from '../http/exchange.ts';
import { Problem } from '../http/problem.ts';
import type { MalformedLog } from './malformed-log.ts';

/** Within this the intents service has answered or something is wrong that a person should know about. */
const SUBMIT_MS_MAX = 10_000;
/** One try: a group of appends takes milliseconds, a restart of the service a second or two. */
const TRY_MS_MAX = 2_500;
const PREVIEW_MS_MAX = 3_000;
const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 1_000;

/** Subject token for bodies that name no strategy: they can only end as malformed, and are recorded as such. */
const NO_STRATEGY = 'unnamed';

type Faulty = Extract<ParsedIntent, { ok: false }>;

const asObject = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {});

const strategyOf = (body: unknown): string => {
  const { id } = asObject(asObject(body)['strategy']);
  return typeof id === 'string' && ID_TEXT.test(id) ? id : NO_STRATEGY;
};

/**
 * The header names the request, the body's key names the intent and decides what is a repeat. With the explicit key policy both are the
 * client's own words for the same thing, so they must be equal; derived keys need no header value of a certain form.
 */
const checkIdempotencyKey = (header: string | undefined, body: unknown): void => {
  if (header === undefined || header === '' || header.length > 255) {
    throw new Problem({ status: 400, code: 'IDEMPOTENCY_KEY_REQUIRED', detail: 'send an Idempotency-Key header, the same on every repeat: without one a repeat could not be told from a second intent' });
  }
  const { policy, key } = asObject(asObject(body)['key']);
  if (policy === 'explicit' && key !== header.replace(/^"(.*)"$/, '$1')) {
    throw new Problem({ status: 400, code: 'IDEMPOTENCY_KEY_MISMATCH', detail: 'with the explicit key policy the Idempotency-Key header must equal key.key of the body' });
  }
};

const unknownOutcome = (): Problem => new Problem({
  status: 504, code: 'OUTCOME_UNKNOWN', headers: { 'Retry-After': '1' },
  detail: `the intents service did not answer within ${SUBMIT_MS_MAX} ms; the intent may be recorded. Repeat with the same key: it is never acted on twice`,
});

const notAvailable = (code: string, detail: string, receipt?: IntentReceiptV1): Problem =>
  new Problem({ status: 503, code, detail: `${detail}; nothing is promised: repeat with the same key`, headers: { 'Retry-After': '1' }, ...(receipt ? { extra: { receipt } } : {}) });

/** Forwards intents to the service that records them, and gives its answer as HTTP. */
export class IntentDoor {
  constructor(
    private readonly ports: GatewayPorts,
    private readonly malformed: MalformedLog,
  ) {}

  /** `strategy` of the body decides where it goes; who may speak for a strategy is the token's matter. */
  async submit(bytes: Uint8Array, idempotencyKey: string | undefined): Promise<Answer> {
    const parsed = parseIntent(bytes);
    const body = this.jsonOf(bytes, parsed);
    if (body === undefined) throw await this.unreadable(bytes, parsed as Faulty);
    checkIdempotencyKey(idempotencyKey, body);
    return this.toAnswer(await this.ask(intentSubject(strategyOf(body)), body));
  }

  /** A body over 64 KiB: recorded like every other that is no intent, by its size and the hash of what was read. */
  async tooLarge(bytes: number, seen: Uint8Array): Promise<Problem> {
    const detail = `the intent is ${bytes} bytes or more; at most ${INTENT_BYTES_MAX} are taken: split the basket`;
    const recorded = await this.malformed.record({ bytes, seen }, { code: 'INTENT_TOO_LARGE', detail });
    if (!recorded.ok) return notAvailable(recorded.code, recorded.detail);
    return new Problem({ status: 413, code: 'INTENT_TOO_LARGE', detail, headers: { Connection: 'close' } });
  }

  async preview(bytes: Uint8Array): Promise<Answer> {
    const parsed = parseIntent(bytes);
    if (!parsed.ok) throw malformedProblem({ code: parsed.code, detail: parsed.detail, issues: parsed.issues });
    const body = JSON.parse(Buffer.from(bytes).toString('utf8')) as JsonValue;
    const { bus, ports: { clock, timers } } = this.ports.service;
    const untilMs = clock.monotonicMs() + PREVIEW_MS_MAX;
    let problem = new Problem({ status: 503, code: 'PREVIEW_UNAVAILABLE', detail: `no answer within ${PREVIEW_MS_MAX} ms; nothing was recorded or sent` });
    for (let leftMs = PREVIEW_MS_MAX; leftMs > 0; leftMs = untilMs - clock.monotonicMs()) {
      const said = await bus.request(previewSubject(parsed.intent.strategy.id), body, leftMs);
      const read = said === undefined ? undefined : readPreview(said);
      if (read?.kind === 'final') return answer(read.preview);
      if (read) problem = read.problem;
      await timers.sleep(Math.min(BACKOFF_MS_MIN * 2, Math.max(untilMs - clock.monotonicMs(), 0)), 'gateway repeats a preview');
    }
    throw problem;
  }

  /** The body as JSON where it is some within limits: what is wrong with it then is for the intents service to say and to record. */
  private jsonOf(bytes: Uint8Array, parsed: ParsedIntent): JsonValue | undefined {
    if (!parsed.ok && parsed.code !== 'INTENT_INVALID') return undefined;
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as JsonValue;
  }

  private async unreadable(bytes: Uint8Array, fault: Faulty): Promise<Problem> {
    const recorded = await this.malformed.record({ bytes: bytes.byteLength, seen: bytes }, fault);
    return recorded.ok ? malformedProblem({ code: fault.code, detail: fault.detail, issues: fault.issues }) : notAvailable(recorded.code, recorded.detail);
  }

  /** The same body again until somebody answers for good. */
  private async ask(subject: string, body: JsonValue): Promise<IntentReceiptV1> {
    const { bus, ports: { clock, timers }, log } = this.ports.service;
    const untilMs = clock.monotonicMs() + SUBMIT_MS_MAX;
    let backoffMs = BACKOFF_MS_MIN;
    let unanswered = false;
    let newest: IntentReceiptV1 | undefined;
    let busy: { readonly code: string; readonly detail: string } | undefined;
    for (let leftMs = SUBMIT_MS_MAX; leftMs > 0; leftMs = untilMs - clock.monotonicMs()) {
      const said = await bus.request(subject, body, Math.min(TRY_MS_MAX, leftMs));
      const receipt = IntentReceiptV1.safeParse(said);
      if (receipt.success && receipt.data.status !== 'unavailable') return receipt.data;
      if (receipt.success) newest = receipt.data;
      else {
        const refusal = BusRefusalV1.safeParse(said);
        if (refusal.success && !refusal.data.retryable) throw new Problem({ status: 400, code: refusal.data.code, detail: refusal.data.detail });
        if (refusal.success) busy = refusal.data;
        else unanswered = true;
        if (said !== undefined && !refusal.success) log.write('error', 'gateway.receipt_unreadable', { detail: receipt.error.issues.slice(0, 3) });
      }
      await timers.sleep(Math.min(backoffMs, Math.max(untilMs - clock.monotonicMs(), 0)), 'gateway repeats an intent');
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
    }
    if (unanswered) throw unknownOutcome();
    if (newest?.status === 'unavailable') throw notAvailable(newest.code, newest.detail, newest);
    throw notAvailable(busy?.code ?? 'INTENTS_UNAVAILABLE', busy?.detail ?? 'the intents service is not available');
  }

  private toAnswer(receipt: IntentReceiptV1): Answer {
    switch (receipt.status) {
      case 'accepted':
        return answer(receipt, {
          status: receipt.repeated ? 200 : 202,
          headers: { Location: `/v1/intents/${receipt.intent_key}`, ...(receipt.position === undefined ? {} : { 'Tally-Position': receipt.position }) },
        });
      case 'refused':
        throw new Problem({ status: 422, code: 'INTENT_REFUSED', detail: receipt.refusals.map((refusal) => refusal.detail).join('; ') || 'the intent was refused', checks: receipt.refusals.map((refusal) => ({ ...refusal })), extra: { receipt } });
      case 'conflict':
        throw new Problem({ status: 422, code: receipt.code, detail: receipt.detail, extra: { receipt } });
      case 'malformed':
        throw malformedProblem(receipt, receipt);
      case 'unavailable':
        throw notAvailable(receipt.code, receipt.detail, receipt);
    }
  }
}

type PreviewRead = { readonly kind: 'final'; readonly preview: PreviewV1 } | { readonly kind: 'not_yet'; readonly problem: Problem };

/** Throws the problem that asking again would not mend. */
const readPreview = (said: JsonValue): PreviewRead => {
  const refusal = BusRefusalV1.safeParse(said);
  if (refusal.success) {
    const problem = new Problem({ status: 503, code: refusal.data.code, detail: refusal.data.detail });
    if (!refusal.data.retryable) throw problem;
    return { kind: 'not_yet', problem };
  }
  const preview = PreviewV1.safeParse({ request_id: '', ...asObject(said) });
  // What cannot be read as a preview is a fault of ours, not passed on.
  if (!preview.success) throw new Problem({ status: 500, code: 'PREVIEW_UNREADABLE', detail: preview.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`).slice(0, 3).join('; ') });
  if (preview.data.status === 'malformed') throw malformedProblem(preview.data);
  if (preview.data.status === 'unavailable') return { kind: 'not_yet', problem: new Problem({ status: 503, code: preview.data.code, detail: preview.data.detail }) };
  return { kind: 'final', preview: preview.data };
};

const malformedProblem = (fault: { readonly code: string; readonly detail: string; readonly issues: readonly { readonly field: string; readonly detail: string }[] }, receipt?: IntentReceiptV1): Problem =>
  new Problem({
    status: 400, code: fault.code, detail: fault.detail, checks: fault.issues.map(({ field, detail }) => ({ code: fault.code, field, detail })),
    ...(receipt ? { extra: { receipt } } : {}),
  });
