import type { SessionState } from '@tallystick/domain';

/** A wall clock time of the trading day, `HH:MM` up to `24:00`; `prev HH:MM` is that of the day before: where sessions begin in the evening. */
export type Clock = string;

export type PhaseState = Exclude<SessionState, 'closed' | 'unknown'>;

/** From `from` up to, not including, `until`. */
export interface Phase {
  readonly state: PhaseState;
  readonly from: Clock;
  readonly until: Clock;
}

/** Phases of an ordinary trading day, from the trading day `from` on. */
export interface Hours {
  readonly from: string;
  readonly phases: readonly Phase[];
}

/** Days to add, by the ISO weekday that the date falls on: how an exchange moves a holiday off a weekend. */
export type Moves = Readonly<Partial<Record<1 | 2 | 3 | 4 | 5 | 6 | 7, number>>>;

/** Which date of a year. */
export type DateRule =
  | { readonly kind: 'fixed'; readonly month: number; readonly day: number; readonly moves?: Moves; readonly only?: readonly number[] }
  /** The `nth` ISO `weekday` of the month, from its end when negative; then `plus` days. */
  | { readonly kind: 'nth'; readonly nth: number; readonly weekday: number; readonly month: number; readonly plus?: number }
  /** Western Easter Sunday and `plus` days. */
  | { readonly kind: 'easter'; readonly plus: number }
  /** As Japan observes it, by the approximation of the National Astronomical Observatory that holds from 1980 to 2099. */
  | { readonly kind: 'equinox'; readonly of: 'vernal' | 'autumnal'; readonly moves?: Moves }
  | { readonly kind: 'dates'; readonly dates: readonly string[] };

/** What the rule does to the day. `special` states all of the day's phases, also on a weekend. */
export type Effect =
  | { readonly kind: 'closed' }
  | { readonly kind: 'close_early'; readonly at: Clock; readonly post_until?: Clock }
  | { readonly kind: 'open_late'; readonly at: Clock }
  | { readonly kind: 'special'; readonly phases: readonly Phase[] };

export interface DayRule {
  readonly name: string;
  readonly on: DateRule;
  readonly effect: Effect;
  /** Years, of the date before it is moved, in which the rule applied; all years when absent. */
  readonly from_year?: number;
  readonly until_year?: number;
  readonly not_in?: readonly number[];
  /** Where it is published, when elsewhere than the calendar's own source. */
  readonly source?: string;
}

/** When orders for an auction are taken, in minutes from the day's regular `opening` or `close`. Negative is before. */
export interface AuctionWindow {
  readonly time_in_force: 'OPG' | 'CLS';
  readonly relative_to: 'opening' | 'close';
  readonly from_minutes: number;
  readonly until_minutes: number;
  /** First trading day of the window; all of the calendar's when absent. */
  readonly from?: string;
}

/** An exchange's days and hours as data: no code in it, so that a version of it can be named and compared. */
export interface Calendar {
  /** The exchange's MIC (ISO 10383), or what it is called where it has none. */
  readonly name: string;
  readonly title: string;
  /** Another one with every change of the data. */
  readonly version: string;
  readonly time_zone: string;
  /** First and last trading day it answers for: its horizon. */
  readonly from: string;
  readonly until: string;
  /** ISO weekdays of trading. */
  readonly week: readonly number[];
  /** Ascending; the first begins at or before `from`. */
  readonly hours: readonly Hours[];
  readonly rules: readonly DayRule[];
  readonly auctions?: readonly AuctionWindow[];
  /** The exchange's own rule or document. */
  readonly source: string;
  /** What a reader has to know of it, and what it leaves out. */
  readonly notes?: readonly string[];
}
