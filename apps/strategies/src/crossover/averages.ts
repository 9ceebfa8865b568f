import { decimal, ZERO, type Decimal } from '@tallystick/domain';

export interface Seen {
  readonly slotMs: number;
  readonly mid: Decimal;
}

/** Mids of one symbol, oldest first, one per turn. */
export type History = readonly Seen[];

/**
 * The history with what this turn shows. A turn seen twice counts once; one earlier than what is known begins anew from there,
 * as after a market that was set back.
 */
export const observed = (history: History, slotMs: number, mid: Decimal, keep: number): History =>
  [...history.filter((seen) => seen.slotMs < slotMs), { slotMs, mid }].slice(-keep);

const average = (history: History): Decimal => history.reduce((sum, { mid }) => sum.plus(mid), ZERO).div(decimal(String(history.length)));

const lead = (history: History, fast: number, slow: number): Decimal => average(history.slice(-fast)).minus(average(history.slice(-slow)));

/** The side to take when the fast average has crossed the slow one at the newest turn; `undefined` when not, or while there is too little history. */
export const crossing = (history: History, fast: number, slow: number): 'buy' | 'sell' | undefined => {
  if (history.length <= slow) return undefined;
  const before = lead(history.slice(0, -1), fast, slow);
  const now = lead(history, fast, slow);
  if (before.lte(ZERO) && now.gt(ZERO)) return 'buy';
  if (before.gte(ZERO) && now.lt(ZERO)) return 'sell';
  return undefined;
};
