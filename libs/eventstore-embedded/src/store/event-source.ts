import type { NewEvent } from '../log/format.ts';
import type { LogReader } from './reader.ts';

/** Ids and data of events, those of the group that is being put together included. */
export class EventSource {
  private readonly reader: LogReader;
  /** By event number; in the index but not yet in the file. */
  readonly staged = new Map<number, NewEvent>();

  constructor(reader: LogReader) {
    this.reader = reader;
  }

  hasId(event: number, id: Buffer): boolean {
    const staged = this.staged.get(event);
    if (staged !== undefined) return staged.id.equals(id);
    const record = this.reader.record(event);
    const { buf, idAt } = record.event(event - record.firstEvent);
    return id.compare(buf, idAt, idAt + 16) === 0;
  }

  data(event: number): Buffer {
    const staged = this.staged.get(event);
    if (staged !== undefined) return staged.data;
    const record = this.reader.record(event);
    const view = record.event(event - record.firstEvent);
    return view.buf.subarray(view.dataAt, view.metadataAt);
  }

  /** Unix milliseconds; `nowMs` for those of the group. */
  createdMs(event: number, nowMs: number): number {
    return this.staged.has(event) ? nowMs : this.reader.record(event).createdMs;
  }
}
