import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { Wire } from '../client.ts';
import { stampCorrelation } from '../wire/append-request.ts';
import type { BatchAnswer } from '../wire/append-response.ts';
import { decodeBatchAnswer } from '../wire/append-response.ts';

export interface LaneJob {
  readonly bytes: Buffer;
  attempts: number;
}

interface Sent<T> {
  readonly job: T;
  readonly atMs: number;
}

export interface LaneEvents<T> {
  answered(job: T, answer: BatchAnswer): void;
  /** Room to write again. */
  writable(): void;
  /** Called once, whatever ended it; the clean end has no error. `unanswered` are in the order they were sent. */
  ended(unanswered: readonly T[], error: unknown): void;
}

/**
 * One BatchAppend stream and the appends that are under way on it, in a table of its own: what ends this stream concerns no
 * other. Answers carry the number of the append on this stream.
 */
export class Lane<T extends LaneJob> {
  readonly wire: Wire;
  answers = 0;
  private readonly call: ClientDuplexStream<Buffer, Buffer>;
  private readonly prefix: string;
  private readonly events: LaneEvents<T>;
  private readonly nowMs: () => number;
  private readonly pending = new Map<number, Sent<T>>();
  private lastNumber = 0;
  private lastAnswerAtMs: number;
  private full = false;
  private over = false;
  private failure: unknown;

  constructor(options: { wire: Wire; call: ClientDuplexStream<Buffer, Buffer>; prefix: string; nowMs: () => number; events: LaneEvents<T> }) {
    this.wire = options.wire;
    this.call = options.call;
    this.prefix = options.prefix;
    this.nowMs = options.nowMs;
    this.events = options.events;
    this.lastAnswerAtMs = this.nowMs();
    this.call.on('data', (bytes: Buffer) => this.receive(bytes));
    this.call.on('error', (error: Error) => {
      this.failure ??= error;
    });
    // Exactly one status ends every call, the clean end too; 'end' alone is missing after an error.
    this.call.on('status', () => this.end());
    this.call.on('drain', () => {
      this.full = false;
      if (!this.over) this.events.writable();
    });
  }

  get underWay(): number {
    return this.pending.size;
  }

  get canWrite(): boolean {
    return !this.full && !this.over;
  }

  send(job: T): void {
    this.lastNumber += 1;
    job.attempts += 1;
    // An earlier lane may still hold the same buffer.
    const message = job.attempts === 1 ? job.bytes : Buffer.from(job.bytes);
    stampCorrelation(message, this.prefix, this.lastNumber);
    this.pending.set(this.lastNumber, { job, atMs: this.nowMs() });
    this.full = !this.call.write(message);
  }

  /** Stops waiting for the answers of these; they stay unknown. */
  forget(gone: (job: T) => boolean): T[] {
    const forgotten: T[] = [];
    for (const [number, { job }] of this.pending) {
      if (!gone(job)) continue;
      this.pending.delete(number);
      forgotten.push(job);
    }
    return forgotten;
  }

  /** How long something has been waiting without any answer coming, ms. */
  silentForMs(): number {
    const oldest = this.pending.values().next().value;
    return oldest === undefined ? 0 : this.nowMs() - Math.max(oldest.atMs, this.lastAnswerAtMs);
  }

  /** Ends the stream from our side. `ended` is called with what is still open. */
  cancel(error: Error): void {
    this.failure ??= error;
    this.call.cancel();
    this.end();
  }

  private receive(bytes: Buffer): void {
    let answer: BatchAnswer;
    try {
      answer = decodeBatchAnswer(bytes);
    } catch (error) {
      this.cancel(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.answers += 1;
    this.lastAnswerAtMs = this.nowMs();
    const sent = this.pending.get(answer.number);
    // Nobody waits any more: its deadline passed, or a server answered twice.
    if (sent === undefined) return;
    this.pending.delete(answer.number);
    this.events.answered(sent.job, answer);
  }

  private end(): void {
    if (this.over) return;
    this.over = true;
    const unanswered = [...this.pending.values()].map(({ job }) => job);
    this.pending.clear();
    // Our half is still open after a clean end; without this the call would stay in memory.
    this.call.destroy();
    this.events.ended(unanswered, this.failure);
  }
}
