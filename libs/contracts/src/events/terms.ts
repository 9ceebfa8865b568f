import type { CheckResult, Decision, Intent, OrderRequest, OrderTerms, QuoteUsed, Refusal, ReportRef, Session, SessionReading } from '@tallystick/domain';
import { z } from 'zod';
import { count, decimalText, id, mode, side, signature, text, timeMs } from './fields.ts';
import { shapeOf } from './definition.ts';

const orderRequest = {
  symbol: id,
  side,
  qty: decimalText,
  order_type: z.enum(['market', 'limit', 'stop', 'stop_limit']),
  time_in_force: z.enum(['DAY', 'GTC', 'IOC', 'FOK']),
  limit_price: decimalText.optional(),
  stop_price: decimalText.optional(),
};
export const OrderRequestData = shapeOf<OrderRequest>()(z.strictObject(orderRequest).meta({ id: 'OrderRequest' }));

const strategy = z.strictObject({ id, version: id }).meta({ id: 'StrategyRef' });
const constraints = z.strictObject({ max_slippage_bps: decimalText.optional(), max_exposure_pct: decimalText.optional() }).meta({ id: 'Constraints' });
const remainder = z
  .discriminatedUnion('kind', [z.strictObject({ kind: z.literal('wait') }), z.strictObject({ kind: z.literal('cancel_after'), after_ms: count })])
  .meta({ id: 'RemainderPolicy', description: 'What to do with what does not fill.' });

export const IntentData = shapeOf<Intent>()(
  z
    .strictObject({
      intent_key: id,
      key_policy: z.enum(['signal', 'rebalance', 'explicit']),
      strategy,
      account: id,
      mode,
      portfolio: id.optional(),
      orders: z.array(OrderRequestData),
      constraints,
      remainder,
      reason: text,
      market_sequence: count,
    })
    .meta({ id: 'Intent' }),
);

export const OrderTermsData = shapeOf<OrderTerms>()(
  z
    .strictObject({
      ...orderRequest,
      order_id: id,
      intent_key: id,
      leg: count,
      account: id,
      mode,
      venue: id,
      currency: id,
      strategy,
      portfolio: id.optional(),
      constraints,
      remainder,
    })
    .meta({ id: 'OrderTerms', description: 'What an order is. Never changes after the decision.' }),
);

export const RefusalData = shapeOf<Refusal>()(
  z.strictObject({ code: id, detail: text, field: text.optional(), observed: text.optional(), limit: text.optional() }).meta({ id: 'Refusal' }),
);

const checkCode = z.enum([
  'POLICY_NOT_IN_FORCE', 'CLOCK_UNREADABLE', 'ACCOUNT_NOT_ALLOWED', 'STRATEGY_NOT_ALLOWED', 'INSTRUMENT_NOT_ALLOWED', 'SESSION_CLOSED',
  'CALENDAR_HORIZON', 'TRADING_WINDOW_CLOSED', 'QUOTE_STALE', 'RATE_MISSING', 'PRICE_COLLAR', 'ORDER_QTY_LIMIT', 'ORDER_NOTIONAL_LIMIT', 'DAILY_NOTIONAL_LIMIT', 'EXPOSURE_LIMIT',
  'MESSAGE_RATE_LIMIT', 'INTENT_SLIPPAGE_LIMIT', 'INTENT_EXPOSURE_LIMIT',
]);

export const CheckResultData = shapeOf<CheckResult>()(
  z
    .strictObject({
      code: checkCode,
      scope: id,
      passed: z.boolean(),
      limit: text.optional(),
      observed: text.optional(),
      headroom: text.optional(),
      unit: text.optional(),
      detail: text.optional(),
    })
    .meta({ id: 'CheckResult', description: 'One check of a decision; amounts in `unit`, headroom is limit less observed.' }),
);

const quoteUsed = shapeOf<QuoteUsed>()(
  z
    .strictObject({
      symbol: id,
      bid: decimalText.optional(),
      ask: decimalText.optional(),
      last: decimalText.optional(),
      currency: text.optional(),
      time_ms: timeMs,
      sequence: count,
      source: text,
    })
    .meta({ id: 'QuoteUsed' }),
);

const sessionHours = shapeOf<Session>()(
  z
    .strictObject({
      name: text, time_zone: text, open: text, close: text, days: z.array(z.int()), holidays: z.array(text).optional(), early_closes: z.record(z.string(), text).optional(),
    })
    .meta({ id: 'SessionHours', description: 'Trading hours, local to time_zone, with what was special about the date: in decisions from before there were calendars.' }),
);

const sessionReading = shapeOf<SessionReading>()(
  z
    .strictObject({
      name: text, calendar: text, version: text, time_zone: text,
      state: z.enum(['pre', 'open', 'lunch', 'post', 'halted', 'closed', 'unknown']),
      since_ms: timeMs.optional(), until_ms: timeMs.optional(), trading_day: text.optional(), closes_at_ms: timeMs.optional(), next_open_ms: timeMs.optional(),
      code: z.enum(['SESSION_CLOSED', 'CALENDAR_HORIZON']).optional(), why: text.optional(),
    })
    .meta({ id: 'SessionReading', description: 'What the calendar, of that version, said of the session. It holds from since_ms up to, not including, until_ms; orders are taken when it has no code.' }),
);

/** A reading has a state, hours have none. */
const sessionUsed = z.union([sessionReading, sessionHours]);

export const DecisionData = shapeOf<Decision>()(
  z
    .strictObject({
      decision_id: id,
      outcome: z.enum(['approved', 'denied']),
      checks: z.array(CheckResultData),
      policy_name: text,
      policy_hash: text,
      policy_sequence: count,
      risk_group: text,
      quotes: z.array(quoteUsed),
      rates: z.array(z.strictObject({ base: id, currency: text, rate: decimalText })),
      session: sessionUsed.optional(),
      equity: decimalText.optional(),
      worst_price: decimalText.optional(),
      reserved_notional: decimalText.optional(),
      market_sequence: count,
      business_time_ms: timeMs,
      execute_by_ms: timeMs,
      signature: signature.optional(),
    })
    .meta({ id: 'Decision', description: 'Every input the decision was made on, and every check, passed and failed.' }),
);

export const ReportRefData = shapeOf<ReportRef>()(
  z.strictObject({ stream: id, revision: count, report_id: id, sequence: count.optional() }).meta({ id: 'ReportRef', description: 'The raw report a fact was read from.' }),
);

/** Members of every fact read from a report. */
export const fromReport = { report: ReportRefData, venue_time_ms: timeMs };
