import type { SessionUsed } from '../session/reading.ts';

/** Codes of the checks; each is the stable reason of a denial. The controls they implement: RTS 6 article 15, SEC 15c3-5(c). */
export type CheckCode =
  | 'POLICY_NOT_IN_FORCE'
  | 'CLOCK_UNREADABLE'
  | 'ACCOUNT_NOT_ALLOWED'
  | 'STRATEGY_NOT_ALLOWED'
  | 'INSTRUMENT_NOT_ALLOWED'
  | 'SESSION_CLOSED'
  | 'CALENDAR_HORIZON'
  | 'TRADING_WINDOW_CLOSED'
  | 'QUOTE_STALE'
  | 'RATE_MISSING'
  | 'PRICE_COLLAR'
  | 'ORDER_QTY_LIMIT'
  | 'ORDER_NOTIONAL_LIMIT'
  | 'DAILY_NOTIONAL_LIMIT'
  | 'EXPOSURE_LIMIT'
  | 'MESSAGE_RATE_LIMIT'
  | 'INTENT_SLIPPAGE_LIMIT'
  | 'INTENT_EXPOSURE_LIMIT';

export interface CheckResult {
  readonly code: CheckCode;
  /** `firm`, `account:<id>`, `strategy:<id>` or `intent`. */
  readonly scope: string;
  readonly passed: boolean;
  /** Decimal strings in `unit`; absent where the check compares no amounts. */
  readonly limit?: string;
  readonly observed?: string;
  /** Limit less observed. */
  readonly headroom?: string;
  readonly unit?: string;
  readonly detail?: string;
}

export interface QuoteUsed {
  readonly symbol: string;
  readonly bid?: string;
  readonly ask?: string;
  readonly last?: string;
  /** Of its prices, where the instrument is listed. */
  readonly currency?: string;
  readonly time_ms: number;
  readonly sequence: number;
  readonly source: string;
}

/** Every input the decision was made on, so that it can be made again from the log alone. */
export interface Decision {
  readonly decision_id: string;
  readonly outcome: 'approved' | 'denied';
  /** All checks, passed and failed. */
  readonly checks: readonly CheckResult[];
  readonly policy_name: string;
  readonly policy_hash: string;
  readonly policy_sequence: number;
  readonly risk_group: string;
  readonly quotes: readonly QuoteUsed[];
  readonly rates: readonly { readonly base: string; readonly currency: string; readonly rate: string }[];
  /** What the gate said of the instrument's session; before there were calendars, its hours with what was special about the date. */
  readonly session?: SessionUsed;
  /** Account equity in base currency, where cash is reconciled and every mark fresh. */
  readonly equity?: string;
  /** Worst price and worth in base currency the order is reserved at; absent when denied. */
  readonly worst_price?: string;
  readonly reserved_notional?: string;
  /** Market sequence and business time (UTC) of the decision; after `execute_by_ms` it is not sent. */
  readonly market_sequence: number;
  readonly business_time_ms: number;
  readonly execute_by_ms: number;
  /** Ed25519 by the risk service over terms and decision; execution verifies it whoever sent the command. */
  readonly signature?: { readonly key_id: string; readonly value: string };
}

export const failedChecks = (decision: Decision): readonly CheckResult[] => decision.checks.filter((check) => !check.passed);
