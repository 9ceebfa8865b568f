import type { EventStore, Log, MarketData, Metrics, Position, RecordedEvent, Subscription, Timers } from '@tallystick/ports';
import { FOLDED_PREFIXES, Projection } from './project/projection.ts';
import { Queries } from './query/queries.ts';
import { NOWHERE, ReadModelFile, removeFile } from './store/database.ts';

export interface ReadModelOptions {
  /** The SQLite file, made where it is missing; `:memory:` for none. One process folds into a file at a time. */
  readonly path: string;
  readonly store: EventStore;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly market?: MarketData;
}

/** A transaction costs about what 20 events cost: 500 make it vanish and keep a batch below some 20 ms of one thread. */
const BATCH_EVENTS_MAX = 500;
const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 5_000;

interface Waiter {
  readonly position: bigint;
  readonly resolve: (reached: boolean) => void;
}

/** The read model of one process: folds the log into its file for as long as it runs, and answers from it. */
export class ReadModel {
  readonly queries: Queries;
  private file: ReadModelFile;
  private projection: Projection;
  private subscription: Subscription | undefined;
  private readonly waiters = new Set<Waiter>();
  private pending: RecordedEvent[] = [];
  private considered = NOWHERE;
  private flushing: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private checked = false;
  private failure: string | undefined;

  constructor(private readonly options: ReadModelOptions) {
    this.file = ReadModelFile.openToFold(options.path);
    this.projection = new Projection(this.file);
    this.queries = new Queries(() => this.file, options.market);
  }

  /** Starts to fold, and goes on until `stop`. A store that cannot be reached is asked again. */
  start(): void {
    this.running ??= this.run();
  }

  /** The log that the file was folded from is the store's, the subscription is live and nothing has failed. */
  isLive(): boolean {
    return this.checked && this.failure === undefined && (this.subscription?.isLive() ?? false);
  }

  /** Why it does not fold at present, if it does not. */
  fault(): string | undefined {
    return this.failure ?? (this.checked ? undefined : 'the store has not answered yet');
  }

  /** True once everything up to `position` is in the tables; false when it is not within `withinMs`. */
  async waitFor(position: Position, withinMs: number): Promise<boolean> {
    if (this.queries.position() >= position) return true;
    const giveUp = new AbortController();
    let waiter: Waiter | undefined;
    const reached = new Promise<boolean>((resolve) => {
      waiter = { position, resolve };
      this.waiters.add(waiter);
    });
    const late = this.options.timers.sleep(withinMs, 'read model position', AbortSignal.any([giveUp.signal, this.stopping.signal])).then(() => false);
    try {
      return await Promise.race([reached, late]);
    } finally {
      giveUp.abort();
      if (waiter) this.waiters.delete(waiter);
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.subscription?.stop();
    await this.flushing;
    this.file.close();
  }

  private async run(): Promise<void> {
    let backoffMs = BACKOFF_MS_MIN;
    while (!this.stopping.signal.aborted) {
      const problem = await this.sameLog();
      if (problem === undefined) break;
      this.options.log.write('warn', 'read_model.store_unavailable', { detail: problem });
      await this.options.timers.sleep(backoffMs, 'read model waits for the store', this.stopping.signal);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
    }
    if (!this.stopping.signal.aborted) this.subscribe();
  }

  /** Throws the file away when it was folded from another log, or from more of this one than there is. Returns why that is not known. */
  private async sameLog(): Promise<string | undefined> {
    const { store, log, path } = this.options;
    const origin = this.file.meta('origin');
    if (origin === undefined) {
      this.checked = true;
      return undefined;
    }
    const head = await store.head();
    if (!head.ok) return head.detail;
    const { stream, id } = JSON.parse(origin) as { readonly stream: string; readonly id: string };
    const first = await store.read(stream, { from: 'start', maxCount: 1 });
    if (!first.ok) return first.detail;
    if ((head.position ?? NOWHERE) < this.file.position() || first.events[0]?.id !== id) {
      log.write('warn', 'read_model.other_log', { path, position: this.file.position().toString(), head: head.position?.toString() });
      this.file.close();
      removeFile(path);
      this.file = ReadModelFile.openToFold(path);
      this.projection = new Projection(this.file);
    }
    this.checked = true;
    return undefined;
  }

  private subscribe(): void {
    const position = this.file.position();
    this.subscription = this.options.store.subscribeAll({
      name: 'read-model', after: position === NOWHERE ? 'start' : position, streamPrefixes: FOLDED_PREFIXES,
      onEvent: (event) => this.take(event),
      onCheckpoint: (at) => {
        this.considered = at;
        void this.flushSoon();
      },
      onFailed: (error) => this.fail(error),
    });
  }

  /** A full batch is awaited; until then events that arrive before the turn ends share its transaction. */
  private take(event: RecordedEvent): Promise<void> | undefined {
    if (this.failure !== undefined) return undefined;
    this.pending.push(event);
    const flushed = this.flushSoon();
    return this.pending.length >= BATCH_EVENTS_MAX ? flushed : undefined;
  }

  /** Never rejects: what fails stops the folding and starts it again from the checkpoint. */
  private flushSoon(): Promise<void> {
    this.flushing ??= new Promise<void>((resolve) => {
      setImmediate(() => {
        this.flushing = undefined;
        try {
          if (this.failure === undefined) this.flush();
        } catch (error) {
          this.fail(error);
        }
        resolve();
      });
    });
    return this.flushing;
  }

  private flush(): void {
    const events = this.pending;
    const { considered } = this;
    this.pending = [];
    this.considered = NOWHERE;
    const startedMs = performance.now();
    this.projection.apply(events, considered);
    const { metrics } = this.options;
    metrics.count('tally_projection_events_total', {}, events.length);
    metrics.observeMs('tally_projection_batch_duration_ms', performance.now() - startedMs);
    const position = this.file.position();
    for (const waiter of this.waiters) if (waiter.position <= position) waiter.resolve(true);
  }

  private fail(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = error instanceof Error ? error.message : String(error);
    this.options.log.write('error', 'read_model.failed', { error });
    this.options.metrics.count('tally_projection_failures_total');
    this.running = this.resubscribe();
  }

  /** From the checkpoint again, which is where the tables are. */
  private async resubscribe(): Promise<void> {
    await this.subscription?.stop();
    this.pending = [];
    this.considered = NOWHERE;
    await this.options.timers.sleep(BACKOFF_MS_MAX, 'read model failed', this.stopping.signal);
    if (this.stopping.signal.aborted) return;
    this.failure = undefined;
    this.subscribe();
  }
}
