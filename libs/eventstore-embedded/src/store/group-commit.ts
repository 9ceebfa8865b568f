import { errorText } from '../errors.ts';
import type { StoreLog } from '../log.ts';
import type { NewRecord } from '../log/format.ts';
import { recordBytes } from '../log/format.ts';
import { SyncFailed } from '../log/log-writer.ts';
import type { LogWriter } from '../log/log-writer.ts';
import type { StoreMetrics } from '../metrics.ts';
import { planWrite } from './append-plan.ts';
import type { Plan, PlanContext } from './append-plan.ts';
import { DiskState } from './disk-state.ts';
import { WriteQueue, isLate } from './write-queue.ts';
import type { QueuedWrite, WriteOutcome } from './write-queue.ts';

/**
 * How finely limits of time are kept; the real server looks once a second. Shorter ones are as this one: a sync takes that
 * long now and then on any disk.
 */
export const LIMIT_STEP_MS = 100;

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
  private readonly queue = new WriteQueue();
  private running = false;
  private scheduled = false;
  private state: 'open' | 'closed' | 'failed' = 'open';
  private idleWaiters: (() => void)[] = [];
  private relief: (() => void)[] = [];
  /** The group whose sync is under way, and those of it that were answered with a timeout meanwhile. */
  private syncing: readonly Staged[] = [];
  private readonly answeredLate = new Set<QueuedWrite>();
  private limitTimer: NodeJS.Timeout | undefined;
  private readonly disk: DiskState;

  constructor(options: GroupCommitOptions) {
    this.options = options;
    this.disk = new DiskState(options.log);
  }

  /** False for a while after the disk refused a write. */
  get isDiskTaking(): boolean {
    return this.disk.isTaking;
  }

  submit(write: QueuedWrite): void {
    if (this.state !== 'open') {
      // A failed store keeps silent: whether earlier bytes are durable is no longer known.
      if (this.state === 'closed') write.done({ kind: 'unavailable', detail: 'the server is shutting down' });
      return;
    }
    if (this.queue.isFull) {
      write.done({ kind: 'unavailable', detail: 'the server is too busy' });
      return;
    }
    this.queue.add(write);
    this.schedule();
  }

  /** True when the caller should take no more in until `onRelief`. */
  isCrowded(): boolean {
    return this.queue.isCrowded;
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
    const group = this.queue.takeGroup();
    if (group.length === 0) {
      this.rest();
      return;
    }
    this.running = true;
    this.limitTimer ??= setTimeout(() => this.keepLimits(), LIMIT_STEP_MS).unref();
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
      if (error instanceof SyncFailed) this.fail(error);
      else this.refuse(group, error);
      return;
    }
    this.syncing = staged;
    this.sync(staged, context.index.count - before);
  }

  private sync(staged: readonly Staged[], events: number): void {
    const { context, writer, metrics } = this.options;
    const startedMs = performance.now();
    writer.sync((error) => {
      metrics.syncSeconds.observe((performance.now() - startedMs) / 1000);
      if (error !== null) {
        this.fail(error);
        return;
      }
      context.index.visible = context.index.count;
      this.disk.took();
      metrics.groupAppends.observe(staged.length);
      metrics.events.add(events);
      this.finish(staged);
      this.options.onCommitted();
    });
  }

  private fail(error: Error): void {
    this.state = 'failed';
    this.options.onFatal(error);
  }

  /** Decides each request on its own and puts what it writes into the index, so that the next one sees it. */
  private stage(group: readonly QueuedWrite[], records: NewRecord[]): Staged[] {
    const startedMs = performance.now();
    const context: PlanContext = { ...this.options.context, nowMs: Date.now() };
    const placing = { offset: this.options.writer.bytes };
    return group.map((write) => {
      if (isLate(write, startedMs)) return { write, outcome: LATE_UNWRITTEN };
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
        // Before its id is looked for: the number may have been given once and taken back.
        source.staged.set(event, added);
        recentIds.add(stream, added.id, event++);
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
    this.disk.refused(detail, group.length);
    this.options.metrics.refusedWrites.add(1);
    this.finish(group.map((write) => ({ write, outcome: { kind: 'unavailable', detail } })));
  }

  private finish(staged: readonly Staged[]): void {
    const nowMs = performance.now();
    this.syncing = [];
    for (const { write, outcome } of staged) {
      if (this.answeredLate.size > 0 && this.answeredLate.delete(write)) continue;
      this.answer(write, outcome, nowMs);
    }
    this.running = false;
    this.relieve();
    if (this.queue.length > 0) this.schedule();
    else this.rest();
  }

  private answer(write: QueuedWrite, outcome: WriteOutcome, nowMs: number): void {
    const { metrics } = this.options;
    metrics.appendSeconds.observe((nowMs - write.queuedAtMs) / 1000);
    if (outcome.kind === 'timeout') metrics.timeouts.add(1);
    write.done(outcome);
  }

  private keepLimits(): void {
    this.limitTimer = undefined;
    if (!this.running || this.state === 'failed') return;
    this.limitTimer = setTimeout(() => this.keepLimits(), LIMIT_STEP_MS).unref();
    this.answerLate();
  }

  /** Answers all whose time is up: those that wait are not written any more, those being synced most likely are. */
  private answerLate(): void {
    const nowMs = performance.now();
    for (const { write } of this.syncing) {
      if (!isLate(write, nowMs) || this.answeredLate.has(write)) continue;
      this.answeredLate.add(write);
      this.answer(write, LATE_WRITTEN, nowMs);
    }
    const late = this.queue.takeLate(nowMs);
    for (const write of late) this.answer(write, LATE_UNWRITTEN, nowMs);
    if (late.length > 0) this.relieve();
  }

  private relieve(): void {
    if (!this.isCrowded() && this.relief.length > 0) for (const callback of this.relief.splice(0)) callback();
  }

  private rest(): void {
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }
}

const LATE_UNWRITTEN: WriteOutcome = { kind: 'timeout', isWritten: false };
const LATE_WRITTEN: WriteOutcome = { kind: 'timeout', isWritten: true };
