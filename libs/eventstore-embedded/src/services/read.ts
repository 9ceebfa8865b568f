import type { Call } from '../grpc/call.ts';
import type { Store } from '../store/store.ts';
import { viewStream } from '../store/stream-view.ts';
import { encodeStreamNotFound } from '../wire/read-codec.ts';
import type { ReadRequest } from '../wire/read-codec.ts';
import { streamDeleted } from './failures.ts';
import { Turn, compileFilter, passesFilter } from './filter.ts';
import { Outbox, otherTurns } from './show.ts';
import type { EventShower } from './show.ts';

/** Revisions looked up at a time: their list is built backwards. */
const PAGE_EVENTS = 256;

export interface ReadContext {
  readonly call: Call;
  readonly store: Store;
  readonly shower: EventShower;
  readonly request: ReadRequest;
}

/** Sends the events of a stream as it is at this moment, then ends. */
export async function readStream({ call, store, shower, request }: ReadContext, name: Buffer): Promise<void> {
  const view = viewStream(store, name);
  if (view.kind === 'tombstoned') {
    call.fail(streamDeleted(name));
    return;
  }
  if (view.kind === 'missing') {
    call.write(encodeStreamNotFound(name));
    call.end();
    return;
  }
  const { from, backwards } = request;
  const outbox = new Outbox(call);
  let remaining = request.count ?? 0;
  let next = from.kind === 'start' ? 0 : from.kind === 'at' ? from.value : backwards ? view.lastRevision : view.lastRevision + 1;
  next = backwards ? Math.min(next, view.lastRevision) : Math.max(next, view.firstRevision);
  while (remaining > 0 && !call.closed && next >= view.firstRevision && next <= view.lastRevision) {
    const size = Math.min(PAGE_EVENTS, remaining);
    const low = backwards ? Math.max(view.firstRevision, next - size + 1) : next;
    const high = backwards ? next : Math.min(view.lastRevision, next + size - 1);
    const events = store.index.range(view.lastEvent, low, high);
    if (backwards) events.reverse();
    for (const event of events) {
      const record = store.reader.record(event);
      if (record.createdMs < view.createdFromMs) continue;
      outbox.add(shower.frame({ record, index: event - record.firstEvent }, request));
      remaining--;
      if (outbox.isFull) await outbox.flush();
    }
    next = backwards ? low - 1 : high + 1;
    if (events.length === PAGE_EVENTS) await otherTurns();
  }
  await outbox.flush();
  call.end();
}

/** Sends the log of all streams as it is at this moment, then ends. Forward from a position includes it, backward does not. */
export async function readAll({ call, store, shower, request }: ReadContext): Promise<void> {
  const { from, backwards } = request;
  const filter = request.filter === undefined ? undefined : compileFilter(request.filter);
  const end = store.index.visible;
  const scanner = store.reader.scanner();
  const outbox = new Outbox(call);
  const turn = new Turn(filter);
  let remaining = request.count ?? 0;
  // Position p is event p - 1.
  let next = from.kind === 'start' ? (backwards ? -1 : 0) : from.kind === 'end' ? (backwards ? end - 1 : end) : from.value - (backwards ? 2 : 1);
  next = backwards ? Math.min(next, end - 1) : Math.max(next, 0);
  while (remaining > 0 && !call.closed && next >= 0 && next < end) {
    const record = scanner.record(next, backwards);
    const index = next - record.firstEvent;
    if (passesFilter(filter, record, index)) {
      outbox.add(shower.frame({ record, index }, request));
      remaining--;
    }
    if (turn.isOver() || outbox.isFull) {
      await outbox.flush();
      await otherTurns();
      turn.begin();
    }
    next += backwards ? -1 : 1;
  }
  await outbox.flush();
  call.end();
}
