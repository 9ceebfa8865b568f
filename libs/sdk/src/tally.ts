import { orderIdOf, type AccountViewV1, type OrderViewV1, type PositionViewV1 } from '@tallystick/contracts';
import type { Log, Ports } from '@tallystick/ports';
import type { WaitOptions } from './ask.ts';
import { marketFeed, type MarketFeed } from './market.ts';
import { OrderFeed } from './orders/order-feed.ts';
import { TrackedIntent, type OrderNews, type Waited } from './orders/tracked-intent.ts';
import type { OrderStanding } from './orders/tracked-order.ts';
import { Presence, type Control } from './presence.ts';
import { prepare, previewIntent, submit, type IntentInput, type PreviewOutcome, type ProposalOutcome } from './propose.ts';
import { queryAccount, queryOrders, queryPositions, type OrdersQuestion, type PositionsQuestion, type Queried, type QueryAt } from './queries.ts';
import { resolveSettings, type Environment, type Settings, type TallyOptions } from './settings.ts';
import { machine, silentLog } from './system.ts';
import { connectWire, type Wire } from './wire.ts';

/** What becomes of an accepted intent. Fed by the relay of the log, and by the read model for what the relay lost. */
export interface IntentHandle {
  readonly intentKey: string;
  /** As far as is known now. */
  orders(): readonly OrderStanding[];
  /** Every order approved or denied; a denied one has status DENIED and says why in `codes`. */
  decision(options?: { readonly signal?: AbortSignal }): Promise<Waited>;
  /** Every order has ended. */
  settled(options?: { readonly signal?: AbortSignal }): Promise<Waited>;
  /** From the first event; ends when all orders have. */
  events(options?: { readonly signal?: AbortSignal }): AsyncIterable<OrderNews>;
}

export type Proposal = Exclude<ProposalOutcome, { status: 'accepted' }> | (Extract<ProposalOutcome, { status: 'accepted' }> & { readonly handle: IntentHandle });

/** A strategy's connection. It proposes; others decide. */
export interface Tally {
  readonly strategy: { readonly id: string; readonly version: string };
  readonly account: string;
  readonly mode: 'paper' | 'live';
  readonly instanceId: string;
  readonly runId: string;
  /**
   * Records an intent. Repeats the same key until it is answered, the time is up (60 s unless said) or the signal aborts. Never
   * rejects and never tries another key: whatever happens is in `status` and `code`.
   */
  propose(input: IntentInput, options?: WaitOptions): Promise<Proposal>;
  /** The full decision and what the venue would be sent, now; nothing is recorded, reserved or sent. */
  preview(input: IntentInput, options?: WaitOptions): Promise<PreviewOutcome>;
  positions(question?: PositionsQuestion): Promise<Queried<PositionViewV1>>;
  /** Orders of this strategy on its account, newest first. */
  orders(question?: OrdersQuestion): Promise<Queried<OrderViewV1>>;
  /** The account's equity, exposure and limits; one item, or none when it is not known. */
  accountState(question?: QueryAt): Promise<Queried<AccountViewV1>>;
  readonly market: MarketFeed;
  readonly control: Control;
  isConnected(): boolean;
  /** Says `stopping`, drains and disconnects. What waits on handles ends with `CLOSED`. */
  close(): Promise<void>;
}

export interface TallyInternals {
  readonly wire: Wire;
  readonly presence: Presence;
  readonly log: Log;
}

const internals = new WeakMap<Tally, TallyInternals>();

/** What the turn loop sees of a connection. Not exported from the package. */
export const internalsOf = (tally: Tally): TallyInternals => {
  const found = internals.get(tally);
  if (!found) throw new Error('not a connection made by connectTally');
  return found;
};

const handleOf = (tracked: TrackedIntent): IntentHandle => ({
  intentKey: tracked.intentKey,
  orders: () => tracked.standing(),
  decision: ({ signal } = {}) => tracked.until(() => tracked.isDecided(), signal),
  settled: ({ signal } = {}) => tracked.until(() => tracked.isSettled(), signal),
  events: ({ signal } = {}) => tracked.events(signal),
});

/** A connection over a wire that is there already. */
export const createTally = (wire: Wire, settings: Settings, ports: Ports, log: Log): Tally => {
  const { strategy, account, mode, instanceId } = settings;
  const who = { strategy: strategy.id, account, mode };
  const runId = settings.runId ?? ports.ids.unique('run');
  const presence = new Presence(wire, ports, settings, runId, log);
  const feed = new OrderFeed(wire, account, log);
  const closed = new AbortController();
  let closing: Promise<void> | undefined;

  const trackedFor = (intentKey: string, legs: number): TrackedIntent =>
    new TrackedIntent(intentKey, Array.from({ length: legs }, (_, leg) => orderIdOf(intentKey, leg)), ports, () => queryOrders(wire, ports, who, { intentKey, signal: closed.signal }), closed.signal);

  const tally: Tally = {
    strategy, account, mode, instanceId, runId,
    propose: async (input, options = {}) => {
      const prepared = prepare(settings, input);
      if (!prepared.ok) return prepared.malformed;
      const { intent } = prepared;
      const known = feed.find(intent.intent_key);
      const tracked = known ?? trackedFor(intent.intent_key, intent.orders.length);
      if (!known) feed.track(tracked);
      const outcome = await submit(wire, ports, settings, prepared, options);
      if (outcome.status !== 'accepted') {
        // Whoever proposed this key before and was accepted goes on hearing of it.
        if (!known) feed.forget(tracked);
        return outcome;
      }
      // Its first events were told before anybody listened here.
      if (outcome.repeated) void tracked.refresh();
      return { ...outcome, handle: handleOf(tracked) };
    },
    preview: async (input, options = {}) => {
      const prepared = prepare(settings, input);
      return prepared.ok ? previewIntent(wire, ports, settings, prepared, options) : prepared.malformed;
    },
    positions: (question = {}) => queryPositions(wire, ports, who, question),
    orders: (question = {}) => queryOrders(wire, ports, who, question),
    accountState: (question = {}) => queryAccount(wire, ports, who, question),
    market: marketFeed(wire, ports, log),
    control: presence,
    isConnected: () => wire.isConnected(),
    close: () => (closing ??= close()),
  };

  const close = async (): Promise<void> => {
    presence.end();
    closed.abort();
    feed.stop();
    await wire.close();
  };

  internals.set(tally, { wire, presence, log });
  return tally;
};

/**
 * Connects a strategy. What the options leave out comes from the environment. Waits for the bus for ever, or until `signal` aborts
 * (then it rejects with `BUS_UNREACHABLE`). Throws a `TallyError` with code `SETTINGS_INVALID`.
 */
export const connectTally = async (options: TallyOptions = {}, env: Environment = process.env): Promise<Tally> => {
  const settings = resolveSettings(options, env);
  const log = options.log ?? silentLog;
  const ports = options.ports ?? machine(log);
  return createTally(await connectWire(settings, ports, log, options.signal), settings, ports, log);
};
