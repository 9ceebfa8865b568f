import type { StoreLog } from '../log.ts';

/** A full disk refuses thousands of writes a second; a line about each would fill what is left of it. */
const SAY_EVERY_MS = 10_000;

/** Whether the disk takes writes, and what the log says about it: when it stops, every ten seconds while it refuses, and when it goes on. */
export class DiskState {
  private readonly log: StoreLog;
  private refusedAtMs = -Infinity;
  private saidAtMs = -Infinity;
  private appends = 0;

  constructor(log: StoreLog) {
    this.log = log;
  }

  /** A refusal counts until the next write is taken, or for ten seconds when none is tried. */
  get isTaking(): boolean {
    return performance.now() - this.refusedAtMs > SAY_EVERY_MS;
  }

  refused(detail: string, appends: number): void {
    this.refusedAtMs = performance.now();
    this.appends += appends;
    if (this.refusedAtMs - this.saidAtMs < SAY_EVERY_MS) return;
    this.saidAtMs = this.refusedAtMs;
    this.log.write('error', 'store_write_refused', { detail, appends_refused: this.appends, remedy: 'Make room on the disk or make it writable: reads go on, and appends do as soon as it takes them.' });
  }

  took(): void {
    if (this.appends === 0) return;
    this.log.write('info', 'store_write_recovered', { appends_refused: this.appends });
    this.refusedAtMs = -Infinity;
    this.saidAtMs = -Infinity;
    this.appends = 0;
  }
}
