import { killedBy, isFresh, mayTrade, referencePrice, sessionRefusal, windowRefusal, type Decision, type OrderTerms, type QuoteUsed, type Refusal } from '@tallystick/domain';
import { decimal } from '@tallystick/domain';
import type { ReferenceData } from '../reference/reference-data.ts';
import type { ServicePorts } from '../shared/service-ports.ts';

const BPS = decimal('10000');

/** How far the reference may have moved since the decision before the order is no longer the one that was decided on. */
const quoteBandRefusal = (terms: OrderTerms, decision: Decision, quote: QuoteUsed | undefined, collarBps: string): Refusal | undefined => {
  const then = referencePrice(decision.quotes.find(({ symbol }) => symbol === terms.symbol));
  const now = referencePrice(quote);
  if (!then || !now) return { code: 'QUOTE_BAND', detail: `no usable quote of ${terms.symbol}` };
  const moved = now.minus(then).abs().times(BPS).div(then);
  const limit = terms.constraints.max_slippage_bps ?? collarBps;
  if (moved.lte(decimal(limit))) return undefined;
  return { code: 'QUOTE_BAND', limit, observed: moved.round(4).toFixed(), detail: `${terms.symbol} moved ${moved.round(4).toFixed()} bps since the decision; at most ${limit}` };
};

/** Everything that must hold at the moment of sending: before the claim, and again after it. Empty means go. */
export const sendRefusals = (world: ServicePorts, reference: ReferenceData, terms: OrderTerms, decision: Decision): readonly Refusal[] => {
  const refusals: Refusal[] = [];
  const policy = reference.policy();
  const now = world.business.nowMs();
  if (!policy) return [{ code: 'POLICY_NOT_IN_FORCE', detail: 'no policy can be read' }];
  if (now === undefined) return [{ code: 'CLOCK_UNREADABLE', detail: 'the market clock cannot be read' }];
  if (policy.policy_hash !== decision.policy_hash) refusals.push({ code: 'POLICY_CHANGED', detail: 'the decision was made under another policy' });
  if (!mayTrade(policy, terms.mode)) refusals.push({ code: 'MODE_NOT_ARMED', detail: `policy ${policy.document.name} does not arm ${terms.mode}` });
  if (now > decision.execute_by_ms) refusals.push({ code: 'EXECUTE_BY_PASSED', limit: String(decision.execute_by_ms), observed: String(now), detail: 'the order came too late to be sent' });
  const killed = killedBy(reference.kill(), { account: terms.account, strategy: terms.strategy.id, symbol: terms.symbol, venue: terms.venue });
  if (killed !== undefined) refusals.push({ code: 'KILL_SWITCH', detail: `the kill switch is engaged for ${killed}` });
  const closed = [sessionRefusal(reference.sessionOf(terms.symbol, now), now), windowRefusal(policy.document.trading_window, now)];
  refusals.push(...closed.filter((refusal) => refusal !== undefined));
  const quote = world.market.quote(terms.symbol);
  if (!isFresh(quote, now, policy.document.quote_max_age_ms)) refusals.push({ code: 'QUOTE_STALE', detail: `no fresh quote of ${terms.symbol}` });
  else {
    const moved = quoteBandRefusal(terms, decision, quote, policy.document.firm.price_collar_bps);
    if (moved) refusals.push(moved);
  }
  return refusals;
};
