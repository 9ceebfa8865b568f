import type { Mode } from '../intent/intent.ts';

/** Money in the policy's base currency, quantities in units of the instrument, rates per minute of business time. Decimal strings. */
export interface Limits {
  readonly max_order_qty: string;
  readonly max_order_notional: string;
  readonly max_daily_notional: string;
  readonly max_exposure: string;
  readonly price_collar_bps: string;
  readonly max_messages_per_minute: number;
}

/** Local times `HH:MM` in `time_zone`, ISO weekdays; narrower than or equal to the session, never wider. */
export interface TradingWindow {
  readonly time_zone: string;
  readonly open: string;
  readonly close: string;
  readonly days: readonly number[];
}

export interface AccountPolicy {
  readonly mode: Mode;
  readonly venue: string;
  readonly risk_group: string;
  readonly limits?: Partial<Limits>;
}

export interface StrategyPolicy {
  readonly accounts: readonly string[];
  readonly limits?: Partial<Limits>;
}

export interface RiskGroupPolicy {
  /** When the trading day rolls, local to `time_zone`. */
  readonly roll_time: string;
  readonly time_zone: string;
}

/** The whole of what is allowed. What it does not name is denied. */
export interface PolicyDocument {
  readonly name: string;
  readonly mode: Mode;
  readonly base_currency: string;
  readonly firm: Limits;
  readonly accounts: Readonly<Record<string, AccountPolicy>>;
  readonly strategies: Readonly<Record<string, StrategyPolicy>>;
  readonly instruments: readonly string[];
  readonly risk_groups: Readonly<Record<string, RiskGroupPolicy>>;
  readonly trading_window?: TradingWindow;
  readonly quote_max_age_ms: number;
  /** Business time between decision and claim after which an order is no longer sent. */
  readonly execute_within_ms: number;
}

export interface PolicyActivation {
  readonly document: PolicyDocument;
  /** sha256 of the canonical document: its version. */
  readonly policy_hash: string;
  /** Rises by one with every activation; an older one is never in force again under its number. */
  readonly sequence: number;
  readonly signature: { readonly key_id: string; readonly value: string };
  /** What the signing key may arm; one made on first start is `paper` for ever. */
  readonly key_scope: Mode;
  readonly activated_by: string;
}

export type PolicyEvent = { readonly type: 'PolicyActivated'; readonly data: PolicyActivation };

export interface PolicyState {
  readonly active?: PolicyActivation;
}

export const NO_POLICY: PolicyState = {};

/** Sequence numbers only rise; a repeat or an older one changes nothing. Signatures are verified before this, where the key is. */
export const evolvePolicy = (state: PolicyState, event: PolicyEvent): PolicyState =>
  state.active && event.data.sequence <= state.active.sequence ? state : { active: event.data };

/** Names come from strategies: `constructor` is not an account because every object has one. */
const named = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined => (Object.hasOwn(record, name) ? record[name] : undefined);

export const accountOf = (document: PolicyDocument, account: string): AccountPolicy | undefined => named(document.accounts, account);
export const strategyOf = (document: PolicyDocument, strategy: string): StrategyPolicy | undefined => named(document.strategies, strategy);

/** The policy allows live only when its document says so and its key may. */
export const mayTrade = (activation: PolicyActivation, mode: Mode): boolean =>
  activation.document.mode === mode && (mode === 'paper' || activation.key_scope === 'live');
