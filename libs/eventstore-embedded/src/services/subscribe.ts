import { randomUUID } from 'node:crypto';
import type { LogScanner } from '../store/reader.ts';
import { shownStream, tombstoneOf, viewStream, wholeStream } from '../store/stream-view.ts';
import type { StreamRange } from '../store/stream-view.ts';
import type { Store } from '../store/store.ts';
import { positionOf } from '../wire/event-codec.ts';
import { CAUGHT_UP_FRAME, encodeCheckpoint, encodeConfirmation } from '../wire/read-codec.ts';
import { streamDeleted } from './failures.ts';
import { Turn, compileFilter, passesFilter } from './filter.ts';
import type { EventFilter } from './filter.ts';
import type { ReadContext } from './read.ts';
import { Outbox, otherTurns } from './show.ts';

/** The real server's default search window; checkpoints come every multiple of it. */
const WINDOW_DEFAULT = 32;
const PAGE_EVENTS = 256;

/** One live subscription, for metrics and for shutdown. */
export interface LiveSubscription {
  /** Log events between what it has considered and the end. */
  lag(): number;
  /** Bytes that wait for the client to take them. */
  waitingBytes(): number;
}

/** Sleeps until the next commit or the end of the call; a commit while awake is not missed. */
class Alarm {
  private readonly store: Store;
  private resolve: (() => void) | undefined;
  private readonly ring = (): void => {
    this.resolve?.();
    this.resolve = undefined;
  };

  constructor(context: ReadContext) {
    this.store = context.store;
    this.store.addWaiter(this.ring);
    context.call.onOver(() => {
      this.store.removeWaiter(this.ring);
      this.ring();
    });
  }

  /** Call only when there is nothing to do: between the check and this call nothing else may run. */
  sleep(): Promise<void> {
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}

/**
 * Sends the log of all streams from a position on (exclusive) and then for ever. History and live are the same loop over
 * the log, at the client's speed, so there is no place where an event could fall between and nothing to buffer.
 */
export async function subscribeAll(context: ReadContext, live: Set<LiveSubscription>): Promise<void> {
  const { call, store, request } = context;
  const filter = request.filter === undefined ? undefined : compileFilter(request.filter);
  const pump = new AllPump(context, filter);
  const alarm = new Alarm(context);
  let caughtUp = false;
  call.write(encodeConfirmation(randomUUID()));
  live.add(pump);
  context.call.onOver(() => live.delete(pump));
  while (!call.closed) {
    await pump.run();
    if (pump.next < store.index.visible || call.closed) continue;
    if (!caughtUp) {
      caughtUp = true;
      pump.checkpointAtEnd();
      call.write(CAUGHT_UP_FRAME);
    }
    pump.rest();
    await alarm.sleep();
  }
}

class AllPump implements LiveSubscription {
  /** Number of the next event to consider. */
  next: number;
  private readonly context: ReadContext;
  private readonly filter: EventFilter | undefined;
  private readonly outbox: Outbox;
  private readonly interval: number;
  private readonly turn: Turn;
  private sinceCheckpoint = 0;
  private scanner: LogScanner | undefined;

  constructor(context: ReadContext, filter: EventFilter | undefined) {
    const { from, filter: request } = context.request;
    this.context = context;
    this.filter = filter;
    this.outbox = new Outbox(context.call);
    this.turn = new Turn(filter);
    this.interval = (request?.windowMax ?? WINDOW_DEFAULT) * (request?.checkpointMultiplier ?? 1);
    // Exclusive, and position p is event p - 1.
    this.next = from.kind === 'start' ? 0 : from.kind === 'end' ? context.store.index.visible : from.value;
  }

  lag(): number {
    return Math.max(0, this.context.store.index.visible - this.next);
  }

  waitingBytes(): number {
    return this.outbox.waitingBytes;
  }

  /** Considers everything up to the end of the log, or a turn's worth. */
  async run(): Promise<void> {
    const { call, store, shower, request } = this.context;
    this.scanner ??= store.reader.scanner();
    this.turn.begin();
    while (this.next < store.index.visible && !call.closed) {
      const record = this.scanner.record(this.next);
      const index = this.next - record.firstEvent;
      if (passesFilter(this.filter, record, index)) this.outbox.add(shower.frame({ record, index }, request));
      this.next++;
      if (this.filter !== undefined && ++this.sinceCheckpoint >= this.interval) this.checkpoint();
      if (this.turn.isOver() || this.outbox.isFull) {
        await this.outbox.flush();
        await otherTurns();
        this.turn.begin();
      }
    }
    await this.outbox.flush();
  }

  /** So that a client that waits at the end of history need not begin far before it. */
  checkpointAtEnd(): void {
    if (this.filter === undefined || this.sinceCheckpoint === 0) return;
    this.sinceCheckpoint = 0;
    this.context.call.write(encodeCheckpoint(positionOf(this.next - 1)));
  }

  /** Gives up the block it was reading: a resting subscription costs no memory. */
  rest(): void {
    this.scanner = undefined;
  }

  private checkpoint(): void {
    this.sinceCheckpoint = 0;
    this.outbox.add(encodeCheckpoint(positionOf(this.next - 1)));
  }
}

/**
 * The same for one stream, from a revision on (exclusive). A stream that does not exist is waited for. History is what the
 * stream shows; once live, everything written is sent, also what its metadata hides at once.
 */
export async function subscribeStream(context: ReadContext, name: Buffer, live: Set<LiveSubscription>): Promise<void> {
  const { call, store, shower, request } = context;
  const outbox = new Outbox(call);
  const alarm = new Alarm(context);
  const first = viewStream(store, name);
  if (first.kind === 'tombstoned') {
    call.fail(streamDeleted(name));
    return;
  }
  let next = request.from.kind === 'start' ? 0 : request.from.kind === 'at' ? request.from.value + 1 : first.kind === 'present' ? first.lastRevision + 1 : 0;
  let caughtUp = false;
  const range = (): StreamRange | undefined => (caughtUp ? wholeStream(store, name) : shownStream(store, name));
  const self: LiveSubscription = {
    lag: () => {
      const now = range();
      return now === undefined ? 0 : Math.max(0, now.lastRevision - Math.max(next, now.firstRevision) + 1);
    },
    waitingBytes: () => outbox.waitingBytes,
  };
  live.add(self);
  call.onOver(() => live.delete(self));
  call.write(encodeConfirmation(randomUUID()));
  while (!call.closed) {
    const now = range();
    const begin = Math.max(next, now?.firstRevision ?? 0);
    if (now === undefined || begin > now.lastRevision) {
      if (viewStream(store, name).kind === 'tombstoned') {
        await endDeleted(context, name, caughtUp ? outbox : undefined);
        return;
      }
      if (!caughtUp) call.write(CAUGHT_UP_FRAME);
      caughtUp = true;
      next = Math.max(next, (wholeStream(store, name)?.lastRevision ?? -1) + 1);
      await alarm.sleep();
      continue;
    }
    next = begin;
    for (const event of store.index.range(now.lastEvent, next, Math.min(now.lastRevision, next + PAGE_EVENTS - 1))) {
      const record = store.reader.record(event);
      next++;
      if (record.createdMs < now.createdFromMs) continue;
      outbox.add(shower.frame({ record, index: event - record.firstEvent }, request));
      if (outbox.isFull) await outbox.flush();
    }
    await outbox.flush();
    if (next <= now.lastRevision) await otherTurns();
  }
}

/** A subscription that was live sees the tombstone itself first. */
async function endDeleted({ call, store, shower, request }: ReadContext, name: Buffer, outbox: Outbox | undefined): Promise<void> {
  const tombstone = tombstoneOf(store, name);
  if (outbox !== undefined && tombstone !== undefined) {
    const record = store.reader.record(tombstone);
    outbox.add(shower.frame({ record, index: tombstone - record.firstEvent }, request));
    await outbox.flush();
  }
  call.fail(streamDeleted(name));
}
