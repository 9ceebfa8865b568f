import { errorText } from '../errors.ts';
import type { StoreLog } from '../log.ts';
import type { NewRecord } from '../log/format.ts';
import { recordBytes } from '../log/format.ts';
import type { LogWriter } from '../log/log-writer.ts';
import type { StoreMetrics } from '../metrics.ts';
import { planWrite } from './append-plan.ts';
import type { Plan, PlanContext, WriteRequest } from './append-plan.ts';

/** One group is one write: larger ones would keep later arrivals waiting and hold that much memory twice. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;
const GROUP_REQUESTS_MAX = 4096;
/** Queued beyond this, callers are asked to stop reading from their connections. */
const QUEUE_BYTES_HIGH = 64 * 1024 * 1024;
/** Queued beyond this, new appends are refused: memory must stay bounded however many connections there are. */
const QUEUE_BYTES_MAX = 256 * 1024 * 1024;

export type WriteOutcome =
  /** `event` is the log number of the last event; both absent after an empty append to a stream without events. */
  | { readonly kind: 'ok'; readonly revision: number | undefined; readonly event: number | undefined }
  | { readonly kind: 'wrong_version'; readonly current: number }
  | { readonly kind: 'deleted' }
  /** The caller's deadline had passed before the write began: nothing was written. */
  | { readonly kind: 'timeout' }
  /** The disk refused or the store is stopping: nothing was written. */
  | { readonly kind: 'unavailable'; readonly detail: string }
  /** A fault of the server's own with this request alone: nothing was written. */
  | { readonly kind: 'failed'; readonly detail: string };

export interface QueuedWrite extends WriteRequest {
  /** Wall clock, UTC; absent means none. */
  readonly deadlineMs?: number;
  readonly bytes: number;
  readonly queuedAtMs: number;
  readonly done: (outcome: WriteOutcome) => void;
}

interface Staged {
  readonly write: QueuedWrite;
  readonly outcome: WriteOutcome;
}

export interface GroupCommitOptions {
  readonly context: Omit<PlanContext, 'nowMs'>;
  readonly writer: LogWriter;
  readonly metrics: StoreMetrics;
  readonly log: StoreLog;
  /** New events are synced and visible. */
  readonly onCommitted: () => void;
  /** A sync failed: nothing may be acknowledged from now on and the process must stop. */
  readonly onFatal: (error: Error) => void;
}

/**
 * Takes everything that is queued when the disk is free, decides one after another, and writes and syncs it as one group.
 * There is no waiting for company: a lone append goes at once, and a group gathers while the one before is being synced.
 */
export class GroupCommit {
  private readonly options: GroupCommitOptions;
  private queue: QueuedWrite[] = [];
  private queuedBytes = 0;
  private running = false;
  private scheduled = false;
  private state: 'open' | 'closed' | 'failed' = 'open';
  private idleWaiters: (() => void)[] = [];
  private relief: (() => void)[] = [];

  constructor(options: GroupCommitOptions) {
    this.options = options;
  }

  submit(write: QueuedWrite): void {
    if (this.state !== 'open') {
      // A failed store keeps silent: whether earlier bytes are durable is no longer known.
      if (this.state === 'closed') write.done({ kind: 'unavailable', detail: 'the server is shutting down' });
      return;
    }
    if (this.queuedBytes > QUEUE_BYTES_MAX) {
      write.done({ kind: 'unavailable', detail: 'the server is too busy' });
      return;
    }
    this.queue.push(write);
    this.queuedBytes += write.bytes;
    this.schedule();
  }

  /** True when the caller should take no more in until `onRelief`. */
  isCrowded(): boolean {
    return this.queuedBytes > QUEUE_BYTES_HIGH;
  }

  onRelief(callback: () => void): void {
    this.relief.push(callback);
  }

  /** Refuses new writes; resolves when all that were accepted are answered. */
  async drain(): Promise<void> {
    if (this.state === 'open') this.state = 'closed';
    if (this.state === 'closed' && (this.running || this.queue.length > 0)) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
  }

  private schedule(): void {
    if (this.running || this.scheduled) return;
    this.scheduled = true;
    // After this turn's other arrivals, so that they share the sync.
    setImmediate(() => {
      this.scheduled = false;
      this.runGroup();
    });
  }

  private runGroup(): void {
    const group = this.takeGroup();
    if (group.length === 0) {
      this.rest();
      return;
    }
    this.running = true;
    const { context, writer } = this.options;
    const before = context.index.count;
    const records: NewRecord[] = [];
    let staged: Staged[] = [];
    try {
      writer.rollIfFull();
      staged = this.stage(group, records);
      if (records.length === 0) {
        this.finish(staged);
        return;
      }
      writer.write(records);
      context.source.staged.clear();
    } catch (error) {
      this.takeBack(before);
      this.refuse(group, error);
      return;
    }
    this.sync(staged, context.index.count - before);
  }

  private sync(staged: readonly Staged[], events: number): void {
    const { context, writer, metrics } = this.options;
    const startedMs = performance.now();
    writer.sync((error) => {
      metrics.syncSeconds.observe((performance.now() - startedMs) / 1000);
      if (error !== null) {
        this.state = 'failed';
        this.options.onFatal(error);
        return;
      }
      context.index.visible = context.index.count;
      metrics.groupAppends.observe(staged.length);
      metrics.events.add(events);
      this.finish(staged);
      this.options.onCommitted();
    });
  }

  private takeGroup(): QueuedWrite[] {
    let bytes = 0;
    let count = 0;
    while (count < this.queue.length && count < GROUP_REQUESTS_MAX && (count === 0 || bytes < GROUP_BYTES_MAX)) bytes += this.queue[count++]!.bytes;
    this.queuedBytes -= bytes;
    if (count === this.queue.length) {
      const all = this.queue;
      this.queue = [];
      return all;
    }
    return this.queue.splice(0, count);
  }

  /** Decides each request on its own and puts what it writes into the index, so that the next one sees it. */
  private stage(group: readonly QueuedWrite[], records: NewRecord[]): Staged[] {
    const nowMs = Date.now();
    const context: PlanContext = { ...this.options.context, nowMs };
    const placing = { offset: this.options.writer.bytes };
    return group.map((write) => {
      if (write.deadlineMs !== undefined && write.deadlineMs <= nowMs) return { write, outcome: { kind: 'timeout' } };
      let planned;
      try {
        planned = planWrite(write, context);
      } catch (error) {
        // One poisoned request fails alone: nothing of it has been placed yet.
        this.options.log.write('error', 'store_append_failed', { detail: errorText(error) });
        return { write, outcome: { kind: 'failed', detail: errorText(error) } };
      }
      if (planned.kind === 'done') return { write, outcome: { kind: 'ok', revision: planned.revision, event: planned.event } };
      if (planned.kind !== 'write') return { write, outcome: planned };
      this.place(planned.plan, placing);
      records.push(...planned.plan.records);
      return { write, outcome: { kind: 'ok', revision: planned.plan.revision, event: planned.plan.lastEvent } };
    });
  }

  private place(plan: Plan, placing: { offset: number }): void {
    const { index, recentIds, source } = this.options.context;
    for (const [i, record] of plan.records.entries()) {
      const stream = plan.streams[i]!;
      let event = record.firstEvent;
      let revision = record.firstRevision;
      for (const added of record.events) {
        index.add(stream, revision++, placing.offset);
        recentIds.add(added.id, event);
        source.staged.set(event++, added);
      }
      placing.offset += recordBytes(record.name.length, record.events);
    }
  }

  private takeBack(before: number): void {
    const { index, source, metadata } = this.options.context;
    source.staged.clear();
    index.truncate(before);
    metadata.forget();
  }

  private refuse(group: readonly QueuedWrite[], error: unknown): void {
    const detail = errorText(error);
    this.options.log.write('error', 'store_write_refused', { detail, appends: group.length });
    this.options.metrics.refusedWrites.add(1);
    this.finish(group.map((write) => ({ write, outcome: { kind: 'unavailable', detail } })));
  }

  private finish(staged: readonly Staged[]): void {
    const nowMs = performance.now();
    for (const { write, outcome } of staged) {
      this.options.metrics.appendSeconds.observe((nowMs - write.queuedAtMs) / 1000);
      write.done(outcome);
    }
    this.running = false;
    if (!this.isCrowded() && this.relief.length > 0) for (const callback of this.relief.splice(0)) callback();
    if (this.queue.length > 0) this.schedule();
    else this.rest();
  }

  private rest(): void {
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }
}
