import { decimal, decimalText, failedChecks, ZERO } from '@tallystick/domain';
import type { MarketSnapshot } from '@tallystick/ports';
import type { VenueBook } from './book.ts';
import { runChecks, type Check } from './checks.ts';
import { replayDigest } from './digest.ts';
import { countUp, type Ledger } from './fold.ts';
import { heldPositions, positionLine, standingFills, type PositionLine } from './positions.ts';

export interface SummaryInputs {
  readonly ledger: Ledger;
  readonly book: VenueBook;
  readonly initialCash: string;
  readonly snapshot: MarketSnapshot | undefined;
  readonly market: { readonly source: string; readonly simulated: boolean; readonly days: readonly string[]; readonly symbols: readonly string[] };
  readonly speed: string;
  readonly turns: number;
  /** Wall time of the replay, ms. */
  readonly tookMs: number;
  readonly restarts: Readonly<Record<string, number>>;
  /** Made elsewhere, shown with the others. */
  readonly moreChecks: readonly Check[];
}

type Counts = Readonly<Record<string, number>>;

export interface Summary {
  readonly version: 1;
  readonly market: SummaryInputs['market'];
  readonly speed: string;
  readonly turns: number;
  readonly took_ms: number;
  /** Of processes that died, by name. */
  readonly restarts: Counts;
  readonly intents: { readonly accepted: number; readonly refused: number; readonly conflicts: number; readonly malformed: number };
  readonly orders: { readonly total: number; readonly by_state: Counts };
  readonly fills: { readonly count: number; readonly partially_filled_orders: number; readonly notional: string };
  readonly positions: readonly PositionLine[];
  readonly pnl: readonly { readonly account: string; readonly currency: string; readonly realised: string; readonly unrealised: string; readonly fees: string; readonly net: string }[];
  /** Why intents were refused, orders denied, withheld and rejected: how often each code was a reason. */
  readonly reasons: { readonly refused: Counts; readonly denied: Counts; readonly withheld: Counts; readonly rejected: Counts };
  readonly checks: readonly Check[];
  readonly ok: boolean;
  readonly digest: string;
}

const sorted = (counts: ReadonlyMap<string, number>): Counts => Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)));

const denialCodes = (ledger: Ledger): Counts => {
  const counts = new Map<string, number>();
  for (const { decision } of ledger.orders.values()) {
    if (decision?.outcome !== 'denied') continue;
    for (const code of new Set(failedChecks(decision).map((check) => check.code))) countUp(counts, code);
  }
  return sorted(counts);
};

const pnlOf = (positions: readonly PositionLine[]): Summary['pnl'] => {
  const keys = [...new Set(positions.map(({ account, currency }) => JSON.stringify([account, currency])))];
  return keys.map((key) => {
    const [account = '', currency = ''] = JSON.parse(key) as readonly string[];
    const lines = positions.filter((line) => line.account === account && line.currency === currency);
    const sum = (valueOf: (line: PositionLine) => string): ReturnType<typeof decimal> => lines.reduce((total, line) => total.plus(decimal(valueOf(line))), ZERO);
    const [realised, open, fees] = [sum((line) => line.realised_pnl), sum((line) => line.unrealised_pnl ?? '0'), sum((line) => line.fees)];
    return { account, currency, realised: decimalText(realised), unrealised: decimalText(open), fees: decimalText(fees), net: decimalText(realised.plus(open).minus(fees)) };
  });
};

/** Everything the end of a replay has to say, from our log and the venue's book alone. */
export const summarise = (inputs: SummaryInputs): Summary => {
  const { ledger, book, initialCash, snapshot, market, speed, turns, tookMs, restarts, moreChecks } = inputs;
  const fills = standingFills(ledger);
  const quotes = new Map((snapshot?.quotes ?? []).map((quote) => [quote.symbol, quote]));
  const positions = heldPositions(fills).map((held) => positionLine(held, quotes.get(held.symbol)));
  const states = new Map<string, number>();
  for (const { status } of ledger.orders.values()) countUp(states, status);
  const checks = [...runChecks(ledger, book, initialCash), ...moreChecks];
  return {
    version: 1, market, speed, turns, took_ms: Math.round(tookMs), restarts,
    intents: { ...ledger.intents },
    orders: { total: ledger.orders.size, by_state: sorted(states) },
    fills: {
      count: fills.length,
      partially_filled_orders: [...ledger.orders.values()].filter(({ fills: parts }) => parts.size > 1).length,
      notional: decimalText(fills.reduce((sum, { trade }) => sum.plus(trade.qty.times(trade.price)), ZERO)),
    },
    positions, pnl: pnlOf(positions),
    reasons: { refused: sorted(ledger.refused), denied: denialCodes(ledger), withheld: sorted(ledger.withheld), rejected: sorted(ledger.rejected) },
    checks, ok: checks.every(({ ok }) => ok), digest: replayDigest(ledger),
  };
};
