import type { Call } from '../grpc/call.ts';
import { ByteCache } from '../store/byte-cache.ts';
import type { Store } from '../store/store.ts';
import { viewStream } from '../store/stream-view.ts';
import { encodeReadEvent } from '../wire/event-codec.ts';
import type { ShownEvent } from '../wire/event-codec.ts';

/** One write to the connection: enough that its cost is shared, little enough that others get their turn. */
const FLUSH_BYTES = 64 * 1024;
/** What 20 subscribers are sent at about the same time; encoded once. */
const FRAMES_BYTES_MAX = 8 * 1024 * 1024;
/** Events this near to the end are likely to be asked for by several subscribers. */
const NEAR_END_EVENTS = 512;
const LINK_TYPE = Buffer.from('$>');

interface Link {
  readonly revision: number;
  readonly stream: string;
}

/** Turns events into frames; those near the end of the log are kept for the next subscriber. */
export class EventShower {
  private readonly store: Store;
  private readonly frames = new ByteCache<Buffer>(FRAMES_BYTES_MAX);

  constructor(store: Store) {
    this.store = store;
  }

  frame(shown: ShownEvent, options: { readonly resolveLinks: boolean; readonly structuredIds: boolean }): Buffer {
    this.store.metrics.eventsRead.add(1);
    const link = options.resolveLinks ? this.linkOf(shown) : undefined;
    if (link !== undefined) return encodeReadEvent(this.target(link), shown, options.structuredIds);
    const number = shown.record.firstEvent + shown.index;
    if (options.structuredIds || number + NEAR_END_EVENTS < this.store.index.visible) return encodeReadEvent(shown, undefined, options.structuredIds);
    let frame = this.frames.get(number);
    if (frame === undefined) {
      frame = encodeReadEvent(shown, undefined, false);
      this.frames.add(number, frame);
    }
    return frame;
  }

  /** A link's data is `revision@stream`; what does not begin with a number is an event like any other, as on the real server. */
  private linkOf({ record, index }: ShownEvent): Link | undefined {
    const { buf, typeAt, dataAt, metadataAt } = record.event(index);
    if (dataAt - typeAt !== LINK_TYPE.length || buf.compare(LINK_TYPE, 0, LINK_TYPE.length, typeAt, dataAt) !== 0) return undefined;
    const match = /^\s*([+-]?\d+)\s*(?:@([^]*))?$/.exec(buf.toString('utf8', dataAt, metadataAt));
    return match === null ? undefined : { revision: Number(match[1]), stream: match[2] ?? '' };
  }

  /** Undefined when the event is not there to be shown. Revision -1 means the stream's last. */
  private target(link: Link): ShownEvent | undefined {
    const view = viewStream(this.store, Buffer.from(link.stream));
    if (view.kind !== 'present') return undefined;
    const revision = link.revision === -1 ? view.lastRevision : link.revision;
    if (revision > view.lastRevision || revision < view.firstRevision) return undefined;
    const event = this.store.index.ancestor(view.lastEvent, revision);
    const found = this.store.reader.record(event);
    return found.createdMs < view.createdFromMs ? undefined : { record: found, index: event - found.firstEvent };
  }
}

/** Gathers frames for one call and sends them in larger writes, no faster than the client takes them. */
export class Outbox {
  private readonly call: Call;
  private frames: Buffer[] = [];
  private bytes = 0;

  constructor(call: Call) {
    this.call = call;
  }

  get isFull(): boolean {
    return this.bytes >= FLUSH_BYTES;
  }

  /** Bytes that wait here or in the connection for the client to take them. */
  get waitingBytes(): number {
    return this.bytes + this.call.bufferedBytes;
  }

  add(frame: Buffer): void {
    this.frames.push(frame);
    this.bytes += frame.length;
  }

  /** Sends what was gathered and waits until the client has room for more. */
  async flush(): Promise<void> {
    if (this.frames.length === 0) return;
    const frames = this.frames;
    this.frames = [];
    this.bytes = 0;
    if (!this.call.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames))) await this.call.drained();
  }
}

/** Lets the event loop serve others between two pages. */
export function otherTurns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
