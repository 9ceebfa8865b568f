import type { ClientReadableStream } from '@grpc/grpc-js';
import type { Metrics, Ports, Position, ReadOptions, ReadOutcome, RecordedEvent, StoreFailure } from '@tallystick/ports';
import type { RawStoreClient } from './client.ts';
import type { Connector } from './connector.ts';
import { faultOf } from './faults.ts';
import { METRIC } from './metrics.ts';
import { encodeHeadRead, encodeStreamRead } from './wire/read-request.ts';
import { decodeEventPlace, decodeReadMessage, UnreadableEvent } from './wire/read-response.ts';

// Between two tries of a read whose connection broke.
const RETRY_PAUSE_MS = 20;

export interface ReaderOptions {
  readonly client: RawStoreClient;
  readonly connector: Connector;
  readonly ports: Ports;
  readonly metrics: Metrics | undefined;
  readonly deadlineMs: number;
  readonly connectWaitMs: number;
}

type Attempt = { readonly ok: true } | { readonly ok: false; readonly failure: StoreFailure; readonly again: boolean; readonly error: unknown };

/** Reads a stream, all of it by default: forwards from its start, or backwards from its end. */
export async function readStream(options: ReaderOptions, stream: string, given: ReadOptions = {}): Promise<ReadOutcome> {
  const backwards = given.direction === 'backwards';
  const from = given.from ?? (backwards ? 'end' : 'start');
  const { maxCount } = given;
  if (typeof from === 'number' && (!Number.isSafeInteger(from) || from < 0)) return refused(`the revision ${from} is not a revision`);
  if (maxCount !== undefined && (!Number.isSafeInteger(maxCount) || maxCount < 1)) return refused(`a read of ${maxCount} events makes no sense`);
  if (stream === '' || !stream.isWellFormed()) return refused('the stream name is empty or not well-formed text');
  const request = encodeStreamRead({ stream, from, backwards, ...(maxCount === undefined ? {} : { maxCount }) });
  const startedMs = options.ports.clock.monotonicMs();
  let events: RecordedEvent[] = [];
  let exists = true;
  const read = await readWithRetries(options, request, {
    begin: () => {
      events = [];
      exists = true;
    },
    take: (bytes) => {
      const message = decodeReadMessage(bytes);
      if (message.kind === 'event') events.push(message.event);
      else if (message.kind === 'stream_not_found') exists = false;
    },
  });
  options.metrics?.observeMs(METRIC.read, options.ports.clock.monotonicMs() - startedMs, { outcome: read.ok ? 'ok' : read.code });
  return read.ok ? { ok: true, exists, events } : read;
}

/** Position of the newest event of the log. */
export async function readHead(options: ReaderOptions): Promise<{ readonly ok: true; readonly position: Position | undefined } | StoreFailure> {
  let position: Position | undefined;
  const read = await readWithRetries(options, encodeHeadRead(), {
    begin: () => {
      position = undefined;
    },
    // The newest event may be a system's, in any format: its payload is not looked at.
    take: (bytes) => {
      position = decodeEventPlace(bytes)?.commit ?? position;
    },
  });
  return read.ok ? { ok: true, position } : read;
}

interface Sink {
  /** Called before each try: what an earlier one brought is dropped. */
  begin(): void;
  take(bytes: Buffer): void;
}

/** A broken connection is worth another try: a read changes nothing. Bounded by the read's deadline. */
async function readWithRetries(options: ReaderOptions, request: Buffer, sink: Sink): Promise<{ readonly ok: true } | StoreFailure> {
  const { connector, ports, deadlineMs, connectWaitMs } = options;
  const deadlineAtMs = ports.clock.monotonicMs() + deadlineMs;
  for (;;) {
    const wire = await connector.ready(connectWaitMs);
    if (wire === undefined) return { ok: false, code: 'STORE_UNAVAILABLE', detail: connector.whyNot() };
    const leftMs = deadlineAtMs - ports.clock.monotonicMs();
    let attempt: Attempt;
    try {
      sink.begin();
      attempt = await collect(options.client.read(wire, request, new Date(Date.now() + Math.max(leftMs, 1))), sink);
    } catch (error) {
      // The channel was closed in between.
      attempt = failed(error);
    }
    if (attempt.ok) return attempt;
    if (!attempt.again || deadlineAtMs - ports.clock.monotonicMs() <= RETRY_PAUSE_MS) return attempt.failure;
    await connector.failed(wire, attempt.error);
    await ports.timers.sleep(RETRY_PAUSE_MS, 'store.read_retry');
  }
}

function collect(call: ClientReadableStream<Buffer>, sink: Sink): Promise<Attempt> {
  return new Promise((resolve) => {
    call.on('data', (bytes: Buffer) => {
      try {
        sink.take(bytes);
      } catch (error) {
        call.cancel();
        resolve(failed(error));
      }
    });
    call.on('error', (error) => resolve(failed(error)));
    let ended = false;
    // After the last event was handed over; an error comes before it and wins.
    call.on('end', () => {
      ended = true;
      resolve({ ok: true });
    });
    // Closed in any case: an error is made only where it says something, since its stack is a tenth of the cost of a read.
    call.on('close', () => {
      if (!ended) resolve(failed(new Error('the read was cut off')));
    });
  });
}

function failed(error: unknown): Attempt {
  if (error instanceof UnreadableEvent) return { ok: false, failure: refused(`${error.code}: ${error.message}`), again: false, error };
  const fault = faultOf(error);
  if (fault.kind === 'refused') return { ok: false, failure: refused(fault.detail), again: false, error };
  return { ok: false, failure: { ok: false, code: 'STORE_UNAVAILABLE', detail: fault.detail }, again: fault.key !== 'DEADLINE_EXCEEDED', error };
}

function refused(detail: string): StoreFailure {
  return { ok: false, code: 'STORE_REFUSED', detail };
}
