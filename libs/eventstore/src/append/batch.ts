import type { AppendOutcome, Log, Metrics, Ports, ReadOutcome, Stop } from '@tallystick/ports';
import type { RawStoreClient, Wire } from '../client.ts';
import type { Connector } from '../connector.ts';
import type { Fault } from '../faults.ts';
import { faultOf } from '../faults.ts';
import { METRIC } from '../metrics.ts';
import { CORRELATION_PREFIX_CHARS, encodeBatchAppend } from '../wire/append-request.ts';
import type { BatchAnswer } from '../wire/append-response.ts';
import { resultOf } from './answer.ts';
import type { AttemptResult, Job } from './job.ts';
import { settleFinal, unsettled } from './job.ts';
import { Lane } from './lane.ts';
import { JobQueue } from './queue.ts';

// grpc-js servers take 4 MiB a message by default, the stock client splits at 3; stores refuse appends beyond 1 MiB anyway.
const MESSAGE_MAX_BYTES = 3 * 1024 * 1024;
// What waits in memory here: far more than any window of the services, far less than a process has.
const QUEUED_MAX_BYTES = 64 * 1024 * 1024;
// Bounds how many appends one broken connection can leave in doubt.
const UNDER_WAY_MAX = 1_024;
// Deadlines are seconds; a tenth of one is close enough and costs nothing.
const SWEEP_MS = 100;
// A server that cannot write now is asked again after this, doubled each time up to the sweep's own scale.
const PAUSE_FIRST_MS = 20;
const PAUSE_MAX_MS = 500;

// How a server ends a whole stream over one message that it cannot take.
const SUSPECT = new Set(['RESOURCE_EXHAUSTED', 'UNKNOWN']);

interface BatchJob extends Job {
  readonly bytes: Buffer;
  notBeforeMs: number;
}

export interface AppenderOptions {
  readonly client: RawStoreClient;
  readonly connector: Connector;
  readonly ports: Ports;
  readonly log: Log;
  readonly metrics: Metrics | undefined;
  readonly deadlineMs: number;
  /** An append that was never sent waits this long for a connection. */
  readonly connectWaitMs: number;
  /** Looks up the event at a revision, for answers that leave the position out. */
  readonly lookUp: (stream: string, revision: number) => Promise<ReadOutcome>;
}

/**
 * Appends over one BatchAppend stream at a time. An append whose answer is lost is sent again with the same ids and the same
 * expected revision until its deadline: with explicit revisions the store's answer to a repeat is durable. One sweep looks
 * after all deadlines; it runs only while there is something to look after.
 */
export class BatchAppender {
  private readonly options: AppenderOptions;
  private readonly queue = new JobQueue<BatchJob>();
  private paused: BatchJob[] = [];
  private lane: Lane<BatchJob> | undefined;
  private opening = false;
  private closed = false;
  private stopSweep: Stop | undefined;
  private queuedBytes = 0;
  private open = 0;
  private pauseMs = PAUSE_FIRST_MS;
  /** Jobs to be sent one by one, to find out which of them ends the stream. */
  private alone = 0;

  constructor(options: AppenderOptions) {
    this.options = options;
  }

  append(job: Job): void {
    let bytes: Buffer;
    try {
      bytes = encodeBatchAppend(job.stream, job.expected, job.events);
    } catch (error) {
      job.settle({ ok: false, code: 'STORE_REFUSED', detail: `the events cannot be written as JSON: ${error instanceof Error ? error.message : String(error)}` });
      return;
    }
    if (bytes.length > MESSAGE_MAX_BYTES) {
      job.settle({ ok: false, code: 'STORE_REFUSED', detail: `${bytes.length} bytes are more than one append may have (${MESSAGE_MAX_BYTES})` });
      return;
    }
    if (this.queuedBytes + bytes.length > QUEUED_MAX_BYTES) {
      job.settle({ ok: false, code: 'STORE_UNAVAILABLE', detail: 'too much is waiting to be appended' });
      return;
    }
    this.queuedBytes += bytes.length;
    this.open += 1;
    const settle = (outcome: AppendOutcome): void => {
      this.queuedBytes -= bytes.length;
      this.open -= 1;
      job.settle(outcome);
    };
    this.queue.push({ ...job, bytes, notBeforeMs: 0, settle });
    this.stopSweep ??= this.options.ports.timers.every(SWEEP_MS, 'store.append_deadlines', () => Promise.resolve(this.sweep()));
    this.pump();
  }

  /** Ends the stream. What is still open is settled as far as it can be known. */
  close(): void {
    this.closed = true;
    this.stopSweep?.();
    const sent = this.lane?.forget(() => true) ?? [];
    for (const job of sent) job.maybeWritten = true;
    this.lane?.cancel(new Error('closing'));
    for (const job of [...sent, ...this.queue.takeOut(() => true), ...this.paused]) job.settle(unsettled(job, 'the connection to the store was closed'));
    this.paused = [];
  }

  private pump(): void {
    if (this.queue.size === 0 || this.closed) return;
    const lane = this.lane;
    if (lane === undefined) {
      if (!this.opening) void this.openLane();
      return;
    }
    const room = this.alone > 0 ? 1 : UNDER_WAY_MAX;
    while (lane.canWrite && lane.underWay < room) {
      const job = this.queue.take();
      if (job === undefined) return;
      lane.send(job);
    }
  }

  private async openLane(): Promise<void> {
    this.opening = true;
    try {
      // For ever: the sweep settles those who cannot wait that long, and the next append finds the connection made.
      const wire = await this.options.connector.ready();
      if (wire !== undefined && this.queue.size > 0) this.lane = this.startLane(wire);
    } catch (error) {
      // The channel was closed in between. Nothing was sent.
      this.options.log.write('debug', 'store.append_stream_not_opened', { detail: faultOf(error).detail });
      await this.options.ports.timers.sleep(this.nextPauseMs(), 'store.append_stream');
    } finally {
      this.opening = false;
    }
    this.pump();
  }

  private startLane(wire: Wire): Lane<BatchJob> {
    const { client, ports } = this.options;
    const lane: Lane<BatchJob> = new Lane({
      wire,
      call: client.batchAppend(wire),
      prefix: ports.ids.unique('store.append_stream').slice(0, CORRELATION_PREFIX_CHARS),
      nowMs: () => ports.clock.monotonicMs(),
      events: {
        answered: (job, answer) => this.answered(job, answer),
        writable: () => this.pump(),
        ended: (unanswered, error) => void this.laneEnded(lane, unanswered, error),
      },
    });
    return lane;
  }

  private answered(job: BatchJob, answer: BatchAnswer): void {
    if (this.alone > 0) this.alone -= 1;
    const result = resultOf(answer);
    if (result === undefined) void this.lookUpPosition(job, answer);
    else if (result.kind === 'final') {
      this.pauseMs = PAUSE_FIRST_MS;
      settleFinal(job, result.outcome);
    } else this.tryLater(job, result);
    this.pump();
  }

  private tryLater(job: BatchJob, result: Exclude<AttemptResult, { kind: 'final' }>): void {
    if (result.kind === 'unknown') job.maybeWritten = true;
    job.notBeforeMs = this.nowMs() + Math.min(PAUSE_FIRST_MS * 2 ** job.attempts, PAUSE_MAX_MS);
    this.paused.push(job);
    this.options.metrics?.count(METRIC.appendRetries, { why: result.kind });
    this.options.log.write('debug', 'store.append_retry', { stream: job.stream, attempts: job.attempts, detail: result.detail });
  }

  /** The store holds it, but did not say where: its position is read. */
  private async lookUpPosition(job: BatchJob, answer: BatchAnswer): Promise<void> {
    if (answer.kind !== 'written') return;
    const revision = answer.revision ?? (job.expected === 'no_stream' ? -1 : job.expected) + job.events.length;
    const read = await this.options.lookUp(job.stream, revision);
    const found = read.ok ? read.events[0] : undefined;
    if (found?.id === job.events.at(-1)?.id && found !== undefined) job.settle({ ok: true, revision, position: found.position });
    else job.settle({ ok: false, code: 'APPEND_OUTCOME_UNKNOWN', detail: 'the store answered without a position and the event could not be read' });
  }

  private async laneEnded(lane: Lane<BatchJob>, unanswered: readonly BatchJob[], error: unknown): Promise<void> {
    if (this.lane === lane) this.lane = undefined;
    const fault = error === undefined ? undefined : faultOf(error);
    this.options.log.write('warn', 'store.append_stream_ended', { unanswered: unanswered.length, answers: lane.answers, detail: fault?.detail ?? 'ended cleanly' });
    const back = this.sortOut(lane, unanswered, fault);
    this.queue.putBack(back);
    if (back.length > 0) this.options.metrics?.count(METRIC.appendRetries, { why: 'stream_ended' }, back.length);
    // A stream that answered was a good one: the next is opened at once.
    const pauseMs = lane.answers > 0 ? 0 : this.nextPauseMs();
    this.opening = true;
    if (error !== undefined) await this.options.connector.failed(lane.wire, error);
    if (pauseMs > 0) await this.options.ports.timers.sleep(pauseMs, 'store.append_stream');
    this.opening = false;
    this.pump();
  }

  /** Which of the unanswered are sent again. */
  private sortOut(lane: Lane<BatchJob>, unanswered: readonly BatchJob[], fault: Fault | undefined): readonly BatchJob[] {
    const refused = fault?.kind === 'refused';
    if (fault === undefined || !(refused || SUSPECT.has(fault.key))) {
      for (const job of unanswered) job.maybeWritten = true;
      return unanswered;
    }
    const { detail } = fault;
    if (refused && lane.answers === 0 && this.alone === 0) {
      // The call as such was turned down: credentials, or a server without batch append.
      for (const job of unanswered) settleFinal(job, { ok: false, code: 'STORE_REFUSED', detail });
      return [];
    }
    // One message ended the stream for all. It is found by sending them one at a time; the others must not pay for it.
    for (const job of unanswered) job.maybeWritten = true;
    if (this.alone > 0 && unanswered.length === 1) {
      this.alone -= 1;
      for (const job of unanswered) job.settle(unsettled(job, `it ends the stream it is sent on: ${detail}`));
      return [];
    }
    this.alone = unanswered.length;
    return unanswered;
  }

  private sweep(): void {
    const { connector, connectWaitMs, deadlineMs } = this.options;
    const nowMs = this.nowMs();
    const late = (job: BatchJob): boolean => nowMs >= job.deadlineAtMs;
    const connected = this.lane !== undefined || connector.now() !== undefined;
    const waitedEnough = (job: BatchJob): boolean => late(job) || (!connected && !job.maybeWritten && nowMs >= job.queuedAtMs + connectWaitMs);
    for (const job of this.queue.takeOut(waitedEnough)) {
      job.settle(unsettled(job, job.maybeWritten || connected ? `no answer within ${deadlineMs} ms` : connector.whyNot()));
    }
    for (const job of this.lane?.forget(late) ?? []) {
      job.maybeWritten = true;
      if (this.alone > 0) this.alone -= 1;
      job.settle(unsettled(job, `no answer within ${deadlineMs} ms`));
    }
    this.sweepPaused(nowMs, late);
    // Half the deadline leaves time to ask again on a connection that works. Stores give up a write after 2 s themselves.
    const lane = this.lane;
    if (lane !== undefined && lane.silentForMs() >= deadlineMs / 2) {
      void connector.discard(lane.wire, `no answer to appends for ${Math.round(lane.silentForMs())} ms`);
      lane.cancel(new Error('the store does not answer'));
    }
    if (this.open === 0) {
      this.stopSweep?.();
      this.stopSweep = undefined;
    } else this.pump();
  }

  private sweepPaused(nowMs: number, late: (job: BatchJob) => boolean): void {
    if (this.paused.length === 0) return;
    const still: BatchJob[] = [];
    const due: BatchJob[] = [];
    for (const job of this.paused) {
      if (late(job)) job.settle(unsettled(job, `the store could not write it within ${this.options.deadlineMs} ms`));
      else (job.notBeforeMs <= nowMs ? due : still).push(job);
    }
    this.paused = still;
    this.queue.putBack(due);
  }

  private nowMs(): number {
    return this.options.ports.clock.monotonicMs();
  }

  private nextPauseMs(): number {
    const pauseMs = this.pauseMs;
    this.pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
    return pauseMs;
  }
}
