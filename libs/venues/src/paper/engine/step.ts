import { levelsAfter, sessionOpenAt } from './book.ts';
import { draftOf, end, lift, outcomeOf } from './draft.ts';
import type { Draft } from './draft.ts';
import { matchSymbol } from './match.ts';
import { allOf } from './queue.ts';
import type { FeedStep, Outcome, PaperBook } from './types.ts';

/** Day orders whose session has closed, in the order in which they came. */
const expire = (draft: Draft): void => {
  const { time_ms } = draft.book;
  if (time_ms < draft.book.next_expiry_ms) return;
  const open = [...draft.book.open.values()].flatMap(allOf);
  const over = open.filter((order) => order.expires_ms !== undefined && order.expires_ms <= time_ms);
  for (const order of over.sort((a, b) => a.arrival - b.arrival)) {
    lift(draft, order);
    end(draft, order, 'expired', 'SESSION_CLOSED');
  }
  const left = open.flatMap((order) => (order.expires_ms !== undefined && order.expires_ms > time_ms ? [order.expires_ms] : []));
  draft.book.next_expiry_ms = left.reduce((earliest, each) => Math.min(earliest, each), Number.POSITIVE_INFINITY);
};

/**
 * The next step of the market: quotes first, then day orders whose session is over expire, then, in the session, stops are
 * triggered and resting orders served, symbol by symbol. Steps come without gaps; another is a programmer's error and throws.
 */
export const applyStep = (book: PaperBook, step: FeedStep): Outcome => {
  if (step.sequence !== book.sequence + 1) throw new Error(`step ${step.sequence} after ${book.sequence}`);
  const draft = draftOf(book);
  draft.book.sequence = step.sequence;
  draft.book.time_ms = step.time_ms;
  draft.book.levels = levelsAfter(book.levels, step);
  draft.book.session_open = sessionOpenAt(book.config, step.time_ms);
  if (book.open_count === 0) return outcomeOf(draft);
  expire(draft);
  if (!draft.book.session_open) return outcomeOf(draft);
  // At the opening, orders that waited for it meet quotes that were stated before it.
  const symbols = book.session_open ? step.quotes.map((quote) => quote.symbol) : [...draft.book.open.keys()];
  const traded = new Set(step.traded);
  for (const symbol of symbols.sort()) matchSymbol(draft, symbol, traded.has(symbol));
  return outcomeOf(draft);
};
