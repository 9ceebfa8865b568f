import { StreamTable, grownUint32 } from '../index/stream-table.ts';
import { HASH_BYTES } from '../log/format.ts';
import type { LogRecord } from '../log/record.ts';

/** Kept as the next revision of a tombstoned stream: nothing may follow. */
const ENDED = 0xffffffff;

/** Holds the records of a log, given in order, to what a stream is: revisions from 0 without a gap, and nothing after a tombstone. */
export class RevisionCheck {
  private readonly table = new StreamTable();
  private next = new Uint32Array(1024);
  /** Streams that have events. */
  streams = 0;

  /** What is wrong with the next record, if anything is. */
  problem(record: LogRecord): string | undefined {
    const { count, firstRevision, name } = record;
    // The checksum holds the bytes; this holds whoever wrote them.
    if (count === 0 || record.event(count - 1).end !== record.start + record.length - HASH_BYTES) return 'its events do not fill the record';
    const stream = this.table.findOrAdd(name);
    if (stream >= this.next.length) this.next = grownUint32(this.next, this.table.count * 2);
    const expected = this.next[stream]!;
    if (expected === 0) this.streams += 1;
    if (record.isTombstone && expected !== ENDED) {
      this.next[stream] = ENDED;
      return count === 1 ? undefined : 'a tombstone is one event';
    }
    this.next[stream] = firstRevision + count;
    if (firstRevision === expected && expected !== ENDED) return undefined;
    const text = name.toString();
    return expected === ENDED ? `stream ${text} goes on after its tombstone` : `stream ${text} goes on at revision ${firstRevision}, not at ${expected}`;
  }
}
