import { StoreError, errorText, systemCode } from '../errors.ts';
import { openLog } from '../log/recover.ts';
import type { LogIndex } from '../index/log-index.ts';
import type { StoreLog } from '../log.ts';
import { lockDirectory } from '../log/lock.ts';
import type { DirectoryLock } from '../log/lock.ts';
import { LogWriter } from '../log/log-writer.ts';
import { ensureDirectory } from '../log/segments.ts';
import { LogTail } from '../log/tail.ts';
import { Verification } from '../log/verification.ts';
import { StoreMetrics } from '../metrics.ts';
import { EventSource } from './event-source.ts';
import { GroupCommit } from './group-commit.ts';
import type { QueuedWrite } from './write-queue.ts';
import { MetadataReader } from './metadata.ts';
import { LogReader } from './reader.ts';
import { RecentIds } from './recent-ids.ts';

/** As in the usual log of this kind: large enough that a file is worth having, small enough to read again at a start. */
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;
/** Some ten thousand events: what live subscribers and read-after-write need, with room for one that lags. */
const TAIL_BYTES_MAX = 32 * 1024 * 1024;
/** What a writer may still repeat after a broken connection, many times over. */
const RECENT_IDS_MAX = 65_536;

export interface StoreOptions {
  readonly dataDir: string;
  readonly log: StoreLog;
  readonly segmentBytesMax?: number;
  /** Zeros written ahead of the log; tests that look at its file want none. */
  readonly aheadBytes?: number;
  /** How much of the log's end is verified before it is served; tests make it small. */
  readonly verifiedFirstBytes?: number;
  /** The process must end: a sync failed, or the log turned out to be damaged. */
  readonly onFatal: (error: Error) => void;
}

/** The log with its index: what the protocol's services work on. */
export class Store {
  readonly index: LogIndex;
  readonly reader: LogReader;
  readonly metadata: MetadataReader;
  readonly metrics = new StoreMetrics();
  readonly log: StoreLog;
  private readonly lock: DirectoryLock;
  private readonly writer: LogWriter;
  private readonly commits: GroupCommit;
  private readonly verification: Verification;
  private readonly waiters = new Set<() => void>();
  failed = false;

  /** Refuses with `STORE_LOCKED`, `STORE_DAMAGED`, or `STORE_UNUSABLE` when the system does not let it. */
  constructor(options: StoreOptions) {
    const { dataDir, log } = options;
    this.log = log;
    try {
      ensureDirectory(dataDir);
    } catch (error) {
      throw unusable(dataDir, error);
    }
    const fail = (error: Error): void => {
      this.failed = true;
      options.onFatal(error);
    };
    this.lock = lockDirectory(dataDir);
    try {
      const opened = openLog(dataDir, log, options.verifiedFirstBytes);
      const tail = new LogTail(TAIL_BYTES_MAX);
      this.index = opened.index;
      this.reader = new LogReader(opened.segments, this.index, tail);
      const source = new EventSource(this.reader);
      this.metadata = new MetadataReader(this.index, source);
      this.writer = new LogWriter({ dataDir, opened, tail, segmentBytesMax: options.segmentBytesMax ?? SEGMENT_BYTES_MAX, aheadBytes: options.aheadBytes, log });
      this.commits = new GroupCommit({
        context: { index: this.index, source, metadata: this.metadata, recentIds: new RecentIds(RECENT_IDS_MAX, this.index, source) },
        writer: this.writer,
        metrics: this.metrics,
        log,
        onCommitted: () => this.wake(),
        onFatal: fail,
      });
      this.verification = new Verification({ dataDir, unverified: opened.unverified, log, onDamage: fail });
    } catch (error) {
      this.lock.release();
      throw unusable(dataDir, error);
    }
  }

  get bytes(): number {
    return this.writer.bytes;
  }

  get segmentCount(): number {
    return this.writer.segmentCount;
  }

  submit(write: QueuedWrite): void {
    this.commits.submit(write);
  }

  /** False for a while after the disk refused a write: it may be full or read-only. */
  get isDiskTaking(): boolean {
    return this.commits.isDiskTaking;
  }

  isCrowded(): boolean {
    return this.commits.isCrowded();
  }

  onRelief(callback: () => void): void {
    this.commits.onRelief(callback);
  }

  /** Calls `wake` after each commit until it is removed. */
  addWaiter(wake: () => void): void {
    this.waiters.add(wake);
  }

  removeWaiter(wake: () => void): void {
    this.waiters.delete(wake);
  }

  /** Refuses new writes and waits for those accepted. */
  drain(): Promise<void> {
    return this.commits.drain();
  }

  /** Resolves when the whole log has been verified since the start, or no more will be. */
  get verified(): Promise<void> {
    return this.verification.finished;
  }

  close(): void {
    this.verification.stop();
    if (this.failed) this.writer.closeFiles();
    else this.writer.close();
    this.lock.release();
  }

  private wake(): void {
    for (const wake of this.waiters) wake();
  }
}

/** A system's error with what to do about it; any other as it is. */
function unusable(dataDir: string, error: unknown): unknown {
  const code = systemCode(error);
  if (error instanceof StoreError || code === undefined) return error;
  return new StoreError('STORE_UNUSABLE', `${dataDir} cannot be used: ${errorText(error)}`, 'Make the data directory readable and writable for this user, on a disk with room.');
}
