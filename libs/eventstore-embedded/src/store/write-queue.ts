import type { WriteRequest } from './append-plan.ts';

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
  /** Its time was up. Nothing was written, unless `isWritten`: then it is being synced, and will most likely be in the log. */
  | { readonly kind: 'timeout'; readonly isWritten: boolean }
  /** The disk refused or the store is stopping: nothing was written. */
  | { readonly kind: 'unavailable'; readonly detail: string }
  /** A fault of the server's own with this request alone: nothing was written. */
  | { readonly kind: 'failed'; readonly detail: string };

export interface QueuedWrite extends WriteRequest {
  readonly bytes: number;
  /** Of the monotonic clock. */
  readonly queuedAtMs: number;
  /** How long after that it must be answered, by a timeout if need be; absent means however long it takes. */
  readonly limitMs?: number;
  /** Called exactly once. */
  readonly done: (outcome: WriteOutcome) => void;
}

/** Writes that wait for the disk, in the order they came, bounded by their bytes. */
export class WriteQueue {
  private writes: QueuedWrite[] = [];
  private bytes = 0;

  get length(): number {
    return this.writes.length;
  }

  get isFull(): boolean {
    return this.bytes > QUEUE_BYTES_MAX;
  }

  get isCrowded(): boolean {
    return this.bytes > QUEUE_BYTES_HIGH;
  }

  add(write: QueuedWrite): void {
    this.writes.push(write);
    this.bytes += write.bytes;
  }

  /** The next group: all, or as many as one write should hold. */
  takeGroup(): readonly QueuedWrite[] {
    const { writes } = this;
    let bytes = 0;
    let count = 0;
    while (count < writes.length && count < GROUP_REQUESTS_MAX && (count === 0 || bytes < GROUP_BYTES_MAX)) bytes += writes[count++]!.bytes;
    this.bytes -= bytes;
    if (count < writes.length) return writes.splice(0, count);
    this.writes = [];
    return writes;
  }

  /** Those whose time is up, taken out. */
  takeLate(nowMs: number): readonly QueuedWrite[] {
    const late = this.writes.filter((write) => isLate(write, nowMs));
    if (late.length === 0) return late;
    this.writes = this.writes.filter((write) => !isLate(write, nowMs));
    for (const write of late) this.bytes -= write.bytes;
    return late;
  }
}

/** Is the time of the write up at `nowMs` of the monotonic clock. */
export function isLate(write: QueuedWrite, nowMs: number): boolean {
  return write.limitMs !== undefined && nowMs - write.queuedAtMs >= write.limitMs;
}
