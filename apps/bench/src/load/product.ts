import type { PolicyDocument } from '@tallystick/domain';
import type { RecordedEvent } from '@tallystick/ports';
import { followLog } from './follow-log.ts';
import type { Target } from './target.ts';

/** The venue port's limit is per account; several together are beyond what one machine sends. */
export const ACCOUNTS = ['bench-1', 'bench-2', 'bench-3', 'bench-4'] as const;
export const SYMBOLS = ['AAA', 'BBB', 'CCC', 'DDD'] as const;
export const QUOTE = { bid: '100.00', bid_size: '100000', ask: '100.02', ask_size: '100000', last: '100.01' } as const;

/** Every kind of limit is stated and evaluated; none is reached. */
export const POLICY: PolicyDocument = {
  name: 'paper', mode: 'paper', base_currency: 'USD',
  firm: { max_order_qty: '1000', max_order_notional: '50000', max_daily_notional: '1000000000000', max_exposure: '1000000000000', price_collar_bps: '500', max_messages_per_minute: 1_000_000 },
  accounts: Object.fromEntries(ACCOUNTS.map((account) => [account, { mode: 'paper', venue: 'paper', risk_group: 'main', limits: { max_exposure: '500000000000' } }])),
  strategies: { bench: { accounts: [...ACCOUNTS], limits: { max_daily_notional: '1000000000000' } } },
  instruments: [...SYMBOLS], risk_groups: { main: { roll_time: '17:00', time_zone: 'America/New_York' } },
  quote_max_age_ms: 120_000, execute_within_ms: 60_000,
};

const orderIdIn = (answer: unknown): string | undefined => {
  const { status, orders } = (answer ?? {}) as { readonly status?: string; readonly orders?: readonly { readonly order_id: string }[] };
  return status === 'accepted' ? orders?.[0]?.order_id : undefined;
};

const lastReportOf = ({ channel, body }: RecordedEvent['data'], type: string): string | undefined => {
  const said = body as Readonly<Record<string, unknown>>;
  return channel === 'stream' && said['type'] === type ? String(said['client_order_id']) : undefined;
};

/**
 * Intents over NATS, as a strategy sends them. An order is through when the risk group has the trade and the venue's stream has said
 * so too; a resting one when its own stream says acknowledged, and the venue's stream.
 */
export const productTarget = (run: string): Target => ({
  name: 'product',
  subject: 'tally.intent.bench',
  request: (n, kind) => ({
    version: 1, key: { policy: 'explicit', key: `${run}-${n}` }, strategy: { id: 'bench', version: '1' }, account: ACCOUNTS[n % ACCOUNTS.length] ?? ACCOUNTS[0],
    reason: 'benchmark',
    orders: [{
      symbol: SYMBOLS[(n >> 2) % SYMBOLS.length] ?? SYMBOLS[0], side: (n >> 4) % 2 === 0 ? 'buy' : 'sell', qty: '100', time_in_force: 'DAY',
      ...(kind === 'open' ? { order_type: 'limit', limit_price: '99.50' } : { order_type: 'market' }),
    }],
  }),
  orderIdOf: (answer) => {
    const orderId = orderIdIn(answer);
    if (orderId === undefined) throw new Error(`an intent was not accepted: ${JSON.stringify(answer)?.slice(0, 400)}`);
    return orderId;
  },
  follow: followLog(['order-', 'riskGroup-', 'venueReport-'], (event, kind) => {
    if (event.type === 'VenueReportReceived') return lastReportOf(event.data, kind === 'open' ? 'acknowledged' : 'filled');
    if (kind === 'open') return event.type === 'OrderAcknowledged' ? event.stream.slice('order-'.length) : undefined;
    return event.type === 'TradeApplied' ? String(event.data['order_id']) : undefined;
  }),
  marks: 2,
});
