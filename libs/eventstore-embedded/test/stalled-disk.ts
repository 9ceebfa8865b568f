import { jest } from '@jest/globals';
import fs from 'node:fs';

/** Holds every sync of the log back until `go`; the mark's go on. In this process only: for servers that run in it. */
export class StalledDisk {
  private readonly waiting: (() => void)[] = [];
  private readonly spy: { mockRestore(): void };

  constructor() {
    const real = fs.fdatasync;
    this.spy = jest.spyOn(fs, 'fdatasync').mockImplementation(((fd: number, done: (error: Error | null) => void) => {
      if (fs.readlinkSync(`/proc/self/fd/${fd}`).endsWith('.log')) this.waiting.push(() => real(fd, done));
      else real(fd, done);
    }) as typeof fs.fdatasync);
  }

  /** Syncs that wait. */
  get stalled(): number {
    return this.waiting.length;
  }

  go(): void {
    this.spy.mockRestore();
    for (const sync of this.waiting.splice(0)) sync();
  }
}
