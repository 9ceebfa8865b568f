import type { CancelOrder, JsonValue, PlaceOrder, RawReport, SendOutcome, Venue, VenueReport } from '@tallystick/ports';

/** A venue behind its adapter, set up so that its market can be moved. One per case. */
export interface ConformanceVenue {
  readonly venue: Venue;
  /** The same adapter, pointed where nobody listens. */
  readonly unreachable: Venue;
  readonly account: string;
  readonly symbol: string;
  /** Makes these the quote of `symbol`, `[price, size]` each, with the sizes there to be taken, in an open session. */
  quote(bid: readonly [string, string], ask: readonly [string, string]): Promise<void>;
  stop(): Promise<void>;
}

export interface ConformanceCase {
  /** Stable; a report names it. */
  readonly id: string;
  readonly title: string;
  /** Resolves when the venue conforms, rejects with an Error that says how it does not. */
  readonly run: (subject: ConformanceVenue) => Promise<void>;
}

const DEADLINE_MS = 5_000;
const LOOK_EVERY_MS = 10;

export const ORDER_IDS = ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb3', 'ccccccccccccccccccccccccccccccc4'] as const;

export const check = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

export const checkEqual = (seen: unknown, expected: unknown, what: string): void => {
  const [left, right] = [JSON.stringify(seen), JSON.stringify(expected)];
  check(left === right, `${what}: ${left ?? 'undefined'} where ${right ?? 'undefined'} is expected`);
};

export const placing = (subject: ConformanceVenue, orderId: string, more: Partial<PlaceOrder> = {}): PlaceOrder => ({
  action: 'place', client_order_id: subject.venue.clientOrderId(orderId, 'place', 1), account: subject.account, symbol: subject.symbol,
  side: 'buy', qty: '100', order_type: 'limit', time_in_force: 'DAY', limit_price: '10', ...more,
});

export const canceling = (subject: ConformanceVenue, orderId: string): CancelOrder => ({
  action: 'cancel', client_order_id: subject.venue.clientOrderId(orderId, 'cancel', 1), account: subject.account,
  target_client_order_id: subject.venue.clientOrderId(orderId, 'place', 1),
});

export const sending = ({ venue }: ConformanceVenue, command: PlaceOrder | CancelOrder): Promise<SendOutcome> => venue.send(venue.encode(command), { deadlineMs: DEADLINE_MS });

/** What an answer says, read as the executor reads it. */
export const saying = (subject: ConformanceVenue, outcome: SendOutcome): readonly VenueReport[] => {
  check(outcome.kind === 'confirmed' || outcome.kind === 'refused_by_venue', `an answer of the venue is expected, not ${outcome.kind} ${'code' in outcome ? outcome.code : ''}`);
  if (outcome.kind !== 'confirmed' && outcome.kind !== 'refused_by_venue') return [];
  return subject.venue.interpret({ report_id: 'answer', account: subject.account, channel: 'answer', body: outcome.raw });
};

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));

/** The stream's reports after `after`, once there are at least `count`. */
export const following = async (subject: ConformanceVenue, after: number, count: number): Promise<readonly RawReport[]> => {
  const seen: RawReport[] = [];
  const stream = subject.venue.reports(subject.account, after, (report) => {
    seen.push(report);
    return Promise.resolve();
  });
  const untilMs = performance.now() + DEADLINE_MS;
  while (seen.length < count && performance.now() < untilMs) await pause();
  await stream.stop();
  check(seen.length >= count, `${count} reports after ${after} are expected, ${seen.length} came`);
  return seen;
};

export const interpreted = (subject: ConformanceVenue, reports: readonly RawReport[]): readonly VenueReport[] => reports.flatMap((report) => subject.venue.interpret(report));

const HOSTILE: readonly JsonValue[] = [
  null, 0, 'x', [], {}, { type: 'filled' }, { type: 5 }, { type: 'filled', client_order_id: 'a', time_ms: 'now' }, { reports: [null, 1, { type: 'acknowledged' }] },
  { reports: { type: 'filled' } }, { orders: [null, { reports: 3 }] }, { positions: [null] }, { code: 'ORDER_NOT_FOUND' },
  { type: 'filled', client_order_id: 'a', venue_order_id: 'v', exec_id: 'e', qty: '-1', price: '1', fee: '0', fee_currency: 'USD', time_ms: 1, account: 'x', symbol: 's', side: 'buy' },
  { type: 'filled', client_order_id: 'a', venue_order_id: 'v', exec_id: 'e', qty: '1e9', price: '1', fee: '0', fee_currency: 'USD', time_ms: 1, account: 'x', symbol: 's', side: 'buy' },
];

/** Bodies no venue should send, each as a report. */
export const hostileReports = (account: string): readonly RawReport[] =>
  HOSTILE.map((body, index) => ({ report_id: `hostile-${index}`, account, channel: 'stream', body: body as RawReport['body'] }));
