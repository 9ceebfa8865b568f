import { applyStep, cancelOrder, levelsAfter, placeOrder, restoreBook } from '../engine/index.ts';
import type { CancelCommand, EngineConfig, FeedStep, Level, Outcome, PaperAccount, PaperBook, PaperReport, PlaceCommand } from '../engine/index.ts';
import type { BookStore, LoggedRequest, StoredBook, TakenSizes } from './book-store.ts';
import type { Feed } from './feed.ts';

/** How far to go: to a business time, by a number of steps, or to the first step with reports, whichever comes first. */
export interface StepRequest {
  readonly until_ms?: number;
  readonly steps?: number;
  readonly stop_on_report?: boolean;
}

/** Stepping pauses this often to let requests in: longer would be felt by whoever places an order meanwhile. */
const TURN_MS = 10;

const applyTaken = (levels: ReadonlyMap<string, Level>, taken: readonly TakenSizes[]): ReadonlyMap<string, Level> => {
  const next = new Map(levels);
  for (const { symbol, restated_sequence, taken_bid, taken_ask } of taken) {
    const level = next.get(symbol);
    if (level?.restated_sequence === restated_sequence) next.set(symbol, { ...level, taken_bid, taken_ask });
  }
  return next;
};

/**
 * The running venue: the engine's book, the store that keeps it and the market replayed against it. Whatever changes the book is
 * committed before it counts and before anyone is answered: a failed commit leaves the book as it was.
 */
export class PaperVenue {
  private book: PaperBook;
  private readonly store: BookStore;
  private readonly feed: Feed;
  private readonly upcoming: AsyncIterator<FeedStep>;
  private next: FeedStep | undefined;
  private readonly listeners = new Set<(reports: readonly PaperReport[]) => void>();
  private stepping: Promise<unknown> = Promise.resolve();
  private closed = false;
  private feedFailure: Error | undefined;

  private constructor(parts: { book: PaperBook; store: BookStore; feed: Feed; upcoming: AsyncIterator<FeedStep>; next: FeedStep | undefined }) {
    this.book = parts.book;
    this.store = parts.store;
    this.feed = parts.feed;
    this.upcoming = parts.upcoming;
    this.next = parts.next;
  }

  /** Loads the book and replays the market, without matching, up to where the book stands. Throws VenueError and what the feed throws. */
  static async open(store: BookStore, feed: Feed, settings: Omit<EngineConfig, 'instruments' | 'start_ms'>): Promise<PaperVenue> {
    const { description } = feed;
    store.bindTo(`${description.source} ${description.days[0] ?? ''}..${description.days.at(-1) ?? ''} ${description.fingerprint}`);
    const config: EngineConfig = { ...settings, instruments: description.instruments, start_ms: description.start_ms };
    const saved: StoredBook = store.load();
    const position = saved.position ?? { sequence: 0, time_ms: config.start_ms };
    const upcoming = feed.steps()[Symbol.asyncIterator]();
    let levels: ReadonlyMap<string, Level> = new Map();
    let next = await upcoming.next();
    while (!next.done && next.value.sequence <= position.sequence) {
      levels = levelsAfter(levels, next.value);
      next = await upcoming.next();
    }
    const book = restoreBook(config, { ...saved, ...position, levels: applyTaken(levels, saved.taken) });
    return new PaperVenue({ book, store, feed, upcoming, next: next.done ? undefined : next.value });
  }

  place(command: PlaceCommand): Outcome {
    const outcome = placeOrder(this.book, command);
    this.adopt(outcome, { kind: 'place', account: command.account, client_order_id: command.client_order_id, code: refusalOf(outcome) });
    return outcome;
  }

  cancel(command: CancelCommand): Outcome {
    const outcome = cancelOrder(this.book, command);
    this.adopt(outcome, { kind: 'cancel', account: command.account, client_order_id: command.client_order_id, code: refusalOf(outcome) });
    return outcome;
  }

  /** Advances the market; one advance at a time, orders are taken between its turns. Gives how many steps were made. */
  step(request: StepRequest): Promise<number> {
    const run = this.stepping.then(() => this.advance(request));
    this.stepping = run.catch(() => undefined);
    return run;
  }

  account(name: string): PaperAccount | undefined {
    return this.book.accounts.get(name);
  }

  accountNames(): readonly string[] {
    return [...this.book.accounts.keys()];
  }

  get timeMs(): number {
    return this.book.time_ms;
  }

  get sequence(): number {
    return this.book.sequence;
  }

  get sessionOpen(): boolean {
    return this.book.session_open;
  }

  get openOrders(): number {
    return this.book.open_count;
  }

  /** The market has been replayed to its end. Never true of one whose data could not be read to the end. */
  get ended(): boolean {
    return this.next === undefined && this.feedFailure === undefined;
  }

  /** Business time of the step to come; `undefined` when there is none. */
  get nextTimeMs(): number | undefined {
    return this.next?.time_ms;
  }

  get description(): Feed['description'] {
    return this.feed.description;
  }

  quotes(): readonly Level['quote'][] {
    return [...this.book.levels.values()].map((level) => level.quote).sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
  }

  /** Called after every commit that made reports. */
  onReports(listener: (reports: readonly PaperReport[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves when no step is under way; none begins after. */
  async close(): Promise<void> {
    this.closed = true;
    await this.stepping;
    await this.upcoming.return?.();
  }

  private async advance(request: StepRequest): Promise<number> {
    const most = request.steps ?? Number.POSITIVE_INFINITY;
    const until = request.until_ms ?? Number.POSITIVE_INFINITY;
    let made = 0;
    let uncommitted = false;
    let turnEndsMs = performance.now() + TURN_MS;
    while (this.next && made < most && this.next.time_ms <= until && !this.closed) {
      const outcome = applyStep(this.book, this.next);
      uncommitted = outcome.orders.length === 0;
      if (uncommitted) this.book = outcome.book;
      else this.adopt(outcome);
      made += 1;
      this.next = await this.following();
      if (request.stop_on_report === true && outcome.reports.length > 0) break;
      if (performance.now() < turnEndsMs) continue;
      await new Promise((resolve) => setImmediate(resolve));
      turnEndsMs = performance.now() + TURN_MS;
    }
    if (this.feedFailure !== undefined && made === 0) throw this.feedFailure;
    if (uncommitted) this.store.commit(undefined, { sequence: this.book.sequence, time_ms: this.book.time_ms });
    return made;
  }

  /** A feed that fails ends the replay: the steps before it count, and whoever asks for more is told why there are none. */
  private async following(): Promise<FeedStep | undefined> {
    try {
      const result = await this.upcoming.next();
      return result.done ? undefined : result.value;
    } catch (error) {
      this.feedFailure = error instanceof Error ? error : new Error(String(error));
      return undefined;
    }
  }

  private adopt(outcome: Outcome, request?: LoggedRequest): void {
    const { sequence, time_ms } = outcome.book;
    this.store.commit(outcome, { sequence, time_ms }, request);
    this.book = outcome.book;
    if (outcome.reports.length > 0) for (const listener of this.listeners) listener(outcome.reports);
  }
}

const refusalOf = (outcome: Outcome): string =>
  outcome.turned_away?.code ?? outcome.reports.find((report) => report.type === 'rejected' || report.type === 'cancel_rejected')?.code ?? '';
