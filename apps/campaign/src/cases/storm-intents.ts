import type { Random } from '../random.ts';

export type Channel = 'nats' | 'http';

export interface Submission {
  /** Which intent this is of; both submissions of one have the same. */
  readonly unit: number;
  readonly nth: 0 | 1;
  readonly channel: Channel;
  readonly key: string;
  readonly strategy: string;
  readonly body: string;
}

export interface StormPlan {
  readonly submissions: readonly Submission[];
  /** Units whose second body differs under the same key: one of the two must be told that it conflicts. */
  readonly conflicting: ReadonlySet<number>;
  readonly together: number;
}

/** The only strategy of the paper policy that may use both accounts. */
const STRATEGY = 'manual';
/** Where the generated market stays near to, by symbol. */
const NEAR: Readonly<Record<string, number>> = { AIG: 49, BAC: 13.7, IBM: 182, SPY: 145 };
const SYMBOLS = ['AIG', 'BAC', 'IBM', 'SPY'] as const;
/** A repeat comes this many submissions later, at most; a part comes at the same time by the other channel. */
const REPEAT_WITHIN = 400;
const TOGETHER = 0.25;
const CONFLICTING = 0.01;

const cents = (price: number): string => price.toFixed(2);

const quantity = (random: Random, symbol: string): number => {
  const draw = random.next();
  // Beyond the quantity limit, beyond the notional limit for most symbols, and ordinary.
  if (draw < 0.02) return random.whole(5_001, 9_000);
  if (draw < 0.06) return random.whole(1_500, 5_000);
  return random.whole(1, Math.max(2, Math.round(20_000 / (NEAR[symbol] ?? 100))));
};

const order = (random: Random): Record<string, string> => {
  const symbol = random.chance(0.005) ? 'NOSUCH' : random.pick(SYMBOLS);
  const side = random.pick(['buy', 'sell']);
  const near = NEAR[symbol] ?? 100;
  const base = { symbol, side, qty: String(quantity(random, symbol)) };
  const away = (share: number): string => cents(side === 'buy' ? near * (1 - share) : near * (1 + share));
  const draw = random.next();
  if (draw < 0.5) return { ...base, order_type: 'market', time_in_force: random.pick(['DAY', 'IOC']) };
  if (draw < 0.65) return { ...base, order_type: 'limit', limit_price: away(-0.01), time_in_force: random.pick(['DAY', 'IOC', 'FOK', 'GTC']) };
  if (draw < 0.85) return { ...base, order_type: 'limit', limit_price: away(random.next() * 0.03), time_in_force: random.pick(['DAY', 'GTC']) };
  // Far beyond the collar.
  if (draw < 0.9) return { ...base, order_type: 'limit', limit_price: away(0.2), time_in_force: 'DAY' };
  if (draw < 0.95) return { ...base, order_type: 'stop', stop_price: away(-0.02), time_in_force: 'DAY' };
  // Off the tick: refused with the nearest price named.
  if (draw < 0.96) return { ...base, order_type: 'limit', limit_price: `${away(0.01)}3`, time_in_force: 'DAY' };
  return { ...base, order_type: 'market', time_in_force: 'DAY' };
};

const intent = (random: Random, key: string): object => ({
  version: 1, key: { policy: 'explicit', key }, strategy: { id: STRATEGY, version: '1' }, account: random.pick(['paper-1', 'paper-2']),
  orders: Array.from({ length: random.chance(0.05) ? random.whole(2, 5) : 1 }, () => order(random)),
  ...(random.chance(0.1) ? { constraints: { max_slippage_bps: '30' } } : {}),
  // Most of what rests is taken back after a while, or it would fill up the limits and stay.
  ...(random.chance(0.8) ? { remainder: { kind: 'cancel_after', after_ms: random.whole(1, 60) * 1_000 } } : {}),
});

/** The intents of a storm and in which order they are submitted: each twice, channels mixed, repeats soon, late or at the same time. */
export const stormPlan = (random: Random, units: number): StormPlan => {
  const conflicting = new Set<number>();
  const placed: { readonly at: number; readonly submission: Submission }[] = [];
  let together = 0;
  for (let unit = 0; unit < units; unit += 1) {
    const key = `storm ${random.whole(0, 2 ** 31).toString(36)} ${unit}`;
    const body = intent(random, key);
    const differs = random.chance(CONFLICTING);
    if (differs) conflicting.add(unit);
    const first = random.pick<Channel>(['nats', 'http']);
    const atOnce = random.chance(TOGETHER);
    if (atOnce) together += 1;
    const second: Channel = atOnce ? (first === 'nats' ? 'http' : 'nats') : random.pick<Channel>(['nats', 'http']);
    const other = differs ? { ...body, account: 'account' in body && body.account === 'paper-1' ? 'paper-2' : 'paper-1' } : body;
    const common = { unit, key, strategy: STRATEGY };
    placed.push({ at: unit, submission: { ...common, nth: 0, channel: first, body: JSON.stringify(body) } });
    placed.push({ at: atOnce ? unit : unit + random.next() * REPEAT_WITHIN, submission: { ...common, nth: 1, channel: second, body: JSON.stringify(other) } });
  }
  placed.sort((a, b) => a.at - b.at);
  return { submissions: placed.map(({ submission }) => submission), conflicting, together };
};
