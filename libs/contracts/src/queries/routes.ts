import { z } from 'zod';
import { IntentV1 } from '../intents/intent-v1.ts';
import { mode } from '../events/fields.ts';
import { ORDER_ID } from '../identity/ids.ts';
import { CloudEventV1 } from '../envelope/cloud-event.ts';
import { AccountAnswerV1, AccountPageV1, PositionPageV1 } from './accounts.ts';
import { LIMIT_DEFAULT, LIMIT_MAX, name } from './fields.ts';
import { AnomalyPageV1, RefusalPageV1 } from './findings.ts';
import { KillEngageRequestV1, KillReceiptV1, KillReleaseReceiptV1, KillReleaseRequestV1, KillStatusV1 } from './kill.ts';
import { AcceptStoreRequestV1, DeadLetterListV1, HealthV1, RedriveRequestV1, RedriveResultV1, ServicePageV1, StatusV1, StoreAcceptedV1 } from './operations.ts';
import { CancelReceiptV1, CancelRequestV1, IntentAnswerV1, IntentPageV1, ORDER_STATUSES, OrderAnswerV1, OrderPageV1, TimelineV1 } from './orders.ts';
import { IntentReceiptV1, PreviewV1 } from './receipts.ts';

/** What a token may do; none implies another. `public` routes need no token. */
export type Scope = 'public' | 'read' | 'propose' | 'reduce' | 'operate' | 'approve' | 'admin';

export interface Route {
  readonly operationId: string;
  readonly method: 'get' | 'post';
  /** Parameters in braces, as OpenAPI writes them. */
  readonly path: string;
  readonly scope: Scope;
  readonly summary: string;
  /** Query parameters, strict: an unknown one is refused. */
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** A POST repeats safely only under this header; it is required where true. */
  readonly idempotencyKey?: true;
  readonly answers: { readonly status: number; readonly schema?: z.ZodType; readonly contentType?: string; readonly description: string }[];
  /** Codes of the problems it may answer with, beside 401, 403 and 429. */
  readonly problems: readonly number[];
}

const limit = z.coerce.number().int().min(1).max(LIMIT_MAX).default(LIMIT_DEFAULT).describe(`At most so many items; default ${LIMIT_DEFAULT}.`);
const cursor = z.string().max(512).optional().describe('`next` of the page before.');
const asOf = z.string().max(64).optional().describe('A log position, or a UTC time (RFC 3339): the state as it was then.');
const minPosition = z.string().regex(/^\d{1,20}$/).optional().describe('Wait until the answer includes this log position; 504 when it does not come in time.');

const at = { as_of: asOf, min_position: minPosition };
const paged = { cursor, limit, ...at };
const filters = { account: name.optional(), strategy: name.optional(), mode: mode.optional() };
const symbol = z.string().min(1).max(32).optional();

/** Queries of the read routes, for who serves and who asks. */
export const OrdersQueryV1 = z.strictObject({ ...filters, symbol, status: z.enum(ORDER_STATUSES).optional(), intent_key: z.string().max(64).optional(), ...paged }).meta({ id: 'OrdersQueryV1' });
export const IntentsQueryV1 = z.strictObject({ ...filters, status: z.enum(['accepted', 'refused']).optional(), ...paged }).meta({ id: 'IntentsQueryV1' });
export const PositionsQueryV1 = z.strictObject({ ...filters, symbol, ...paged }).meta({ id: 'PositionsQueryV1' });
export const AccountsQueryV1 = z.strictObject({ mode: mode.optional(), ...paged }).meta({ id: 'AccountsQueryV1' });
export const AtQueryV1 = z.strictObject(at).meta({ id: 'AtQueryV1' });
export const MinPositionQueryV1 = z.strictObject({ min_position: minPosition }).meta({ id: 'MinPositionQueryV1' });
export const DeadLettersQueryV1 = z.strictObject({ service: name.optional(), cursor, limit }).meta({ id: 'DeadLettersQueryV1' });
export const EventsQueryV1 = z
  .strictObject({
    category: z.string().max(256).optional().describe('Categories, separated by commas; all that the token may see without it.'),
    account: name.optional(),
    order_id: z.string().regex(ORDER_ID).optional().describe('The events of one order; `category` is then not looked at.'),
    after: z.string().regex(/^\d{1,20}$/).optional().describe('Start after this log position; the Last-Event-ID header wins. From now on without either.'),
  })
  .meta({ id: 'EventsQueryV1' });

export const RefusalsQueryV1 = z.strictObject({ account: name.optional(), code: z.string().max(64).optional(), order_id: z.string().max(64).optional(), ...paged }).meta({ id: 'RefusalsQueryV1' });
export const AnomaliesQueryV1 = z.strictObject({ account: name.optional(), kind: z.string().max(64).optional(), order_id: z.string().max(64).optional(), ...paged }).meta({ id: 'AnomaliesQueryV1' });

const ok = (schema: z.ZodType, description = 'The answer.') => [{ status: 200, schema, description }];

export const ROUTES: readonly Route[] = [
  { operationId: 'listIntents', method: 'get', path: '/v1/intents', scope: 'read', summary: 'Intents, newest first', query: IntentsQueryV1, answers: ok(IntentPageV1), problems: [400, 504] },
  {
    operationId: 'submitIntent', method: 'post', path: '/v1/intents', scope: 'propose', summary: 'Submit an intent; answered after it is recorded', body: IntentV1, idempotencyKey: true,
    answers: [
      { status: 202, schema: IntentReceiptV1, description: 'Recorded; the decision follows. `Location` names the intent.' },
      { status: 200, schema: IntentReceiptV1, description: 'The recorded answer of this key, again.' },
    ],
    // What was recorded as refused, conflicting or malformed is a problem with the receipt in it: 422, 400.
    problems: [400, 413, 415, 422, 503, 504],
  },
  {
    operationId: 'previewIntent', method: 'post', path: '/v1/intents/preview', scope: 'propose', summary: 'The full decision and the venue payload; nothing is recorded or sent', body: IntentV1,
    answers: ok(PreviewV1, 'What would be decided now.'), problems: [400, 413, 415, 503],
  },
  { operationId: 'getIntent', method: 'get', path: '/v1/intents/{intent_key}', scope: 'read', summary: 'One intent', query: AtQueryV1, answers: ok(IntentAnswerV1), problems: [400, 404, 504] },
  { operationId: 'listOrders', method: 'get', path: '/v1/orders', scope: 'read', summary: 'Orders, newest first', query: OrdersQueryV1, answers: ok(OrderPageV1), problems: [400, 504] },
  { operationId: 'getOrder', method: 'get', path: '/v1/orders/{order_id}', scope: 'read', summary: 'One order', query: AtQueryV1, answers: ok(OrderAnswerV1), problems: [400, 404, 504] },
  { operationId: 'getOrderTimeline', method: 'get', path: '/v1/orders/{order_id}/timeline', scope: 'read', summary: 'Its events as recorded, with causation', query: AtQueryV1, answers: ok(TimelineV1), problems: [400, 404, 504] },
  {
    operationId: 'cancelOrder', method: 'post', path: '/v1/orders/{order_id}/cancel', scope: 'reduce', summary: 'Ask for an order to be canceled', body: CancelRequestV1, idempotencyKey: true,
    answers: [{ status: 202, schema: CancelReceiptV1, description: 'Recorded and on its way.' }, { status: 200, schema: CancelReceiptV1, description: 'The order is closed already.' }],
    problems: [400, 404, 413, 415, 503],
  },
  { operationId: 'listPositions', method: 'get', path: '/v1/positions', scope: 'read', summary: 'Positions per account and per strategy', query: PositionsQueryV1, answers: ok(PositionPageV1), problems: [400, 504] },
  { operationId: 'listAccounts', method: 'get', path: '/v1/accounts', scope: 'read', summary: 'Accounts with exposure against limits', query: AccountsQueryV1, answers: ok(AccountPageV1), problems: [400, 504] },
  { operationId: 'getAccount', method: 'get', path: '/v1/accounts/{account}', scope: 'read', summary: 'One account with exposure against limits', query: AtQueryV1, answers: ok(AccountAnswerV1), problems: [400, 404, 504] },
  { operationId: 'listRefusals', method: 'get', path: '/v1/refusals', scope: 'read', summary: 'What was refused and why, newest first, with counts by code', query: RefusalsQueryV1, answers: ok(RefusalPageV1), problems: [400, 504] },
  { operationId: 'listAnomalies', method: 'get', path: '/v1/anomalies', scope: 'read', summary: 'Facts that did not fit and reports in quarantine, newest first, with counts by kind', query: AnomaliesQueryV1, answers: ok(AnomalyPageV1), problems: [400, 504] },
  { operationId: 'listServices', method: 'get', path: '/v1/services', scope: 'read', summary: 'Services and strategy instances, wanted and actual', answers: ok(ServicePageV1), problems: [503] },
  { operationId: 'getStatus', method: 'get', path: '/v1/status', scope: 'read', summary: 'One look at all of it', answers: ok(StatusV1), problems: [503] },
  { operationId: 'getKillSwitch', method: 'get', path: '/v1/kill', scope: 'read', summary: 'The kill switch: what is engaged, who applied it, and what is left to do', query: MinPositionQueryV1, answers: ok(KillStatusV1), problems: [400, 504] },
  {
    operationId: 'engageKillSwitch', method: 'post', path: '/v1/kill', scope: 'operate', summary: 'Stop a scope, or drill it; answered after it is recorded', body: KillEngageRequestV1, idempotencyKey: true,
    answers: [{ status: 201, schema: KillReceiptV1, description: 'Engaged, and recorded.' }, { status: 200, schema: KillReceiptV1, description: 'Engaged already, as strongly or more; or a drill.' }],
    problems: [400, 413, 415, 422, 503],
  },
  {
    operationId: 'releaseKillSwitch', method: 'post', path: '/v1/kill/release', scope: 'operate', summary: 'Propose to release a scope, or agree to the proposal of another operator', body: KillReleaseRequestV1, idempotencyKey: true,
    answers: [{ status: 202, schema: KillReleaseReceiptV1, description: 'Proposed: another operator must agree.' }, { status: 200, schema: KillReleaseReceiptV1, description: 'Released by two.' }],
    problems: [400, 413, 415, 422, 503],
  },
  { operationId: 'listDeadLetters', method: 'get', path: '/v1/dlq', scope: 'operate', summary: 'Commands that were set aside', query: DeadLettersQueryV1, answers: ok(DeadLetterListV1), problems: [400, 503] },
  { operationId: 'redriveDeadLetters', method: 'post', path: '/v1/dlq/redrive', scope: 'operate', summary: 'Send set-aside commands back to their queues', body: RedriveRequestV1, idempotencyKey: true, answers: ok(RedriveResultV1), problems: [400, 413, 415, 503] },
  {
    operationId: 'acceptStore', method: 'post', path: '/v1/store/accept', scope: 'operate', summary: 'Accept a log that is behind what was known of it; trading goes on from it', body: AcceptStoreRequestV1, idempotencyKey: true,
    answers: ok(StoreAcceptedV1, 'Recorded.'), problems: [400, 409, 413, 415, 503],
  },
  {
    operationId: 'streamEvents', method: 'get', path: '/v1/events', scope: 'read', summary: 'Live feed (SSE); `id` is the log position and Last-Event-ID resumes after it', query: EventsQueryV1,
    answers: [{ status: 200, schema: CloudEventV1, contentType: 'text/event-stream', description: 'One CloudEvent per `data` field; comment lines are heartbeats.' }], problems: [400, 503],
  },
  { operationId: 'getOpenApi', method: 'get', path: '/v1/openapi.json', scope: 'public', summary: 'This document', answers: [{ status: 200, description: 'OpenAPI 3.1.', contentType: 'application/json' }], problems: [] },
  { operationId: 'getHealth', method: 'get', path: '/healthz', scope: 'public', summary: 'The process lives', answers: ok(HealthV1), problems: [] },
  { operationId: 'getReadiness', method: 'get', path: '/readyz', scope: 'public', summary: 'It can do its work', answers: [{ status: 200, schema: HealthV1, description: 'Ready.' }, { status: 503, schema: HealthV1, description: 'Not ready; the failed check says why.' }], problems: [] },
];
