import type { EventStore, RecordedEvent, Subscription, Timers } from '@tallystick/ports';

export interface DriveOptions {
  readonly name: string;
  readonly after: bigint | 'start';
  readonly streamPrefixes: readonly string[];
  /** Events with the same key are handled in order, one at a time; different keys in parallel. */
  readonly keyOf: (event: RecordedEvent) => string;
  /** `retry` is tried again, for ever, with backoff, before anything else of that key: facts are never dropped. */
  readonly handle: (event: RecordedEvent) => Promise<'done' | 'retry'>;
  /** Called with a position below which everything is done; at most once per `checkpointEvery` events. */
  readonly onCheckpoint?: (position: bigint) => Promise<void>;
  readonly checkpointEvery?: number;
  /** A handler threw: a programmer's error. The drive has stopped. */
  readonly onFailed: (error: unknown) => void;
  readonly timers: Timers;
}

/** 64 in flight keep the store busy; more adds nothing (measured) and makes a restart repeat more. */
const WINDOW_MAX = 64;
const BACKOFF_MS_MIN = 10;
const BACKOFF_MS_MAX = 2000;

export interface Drive {
  /** Everything up to here is done; the place of an event or where it started, so that a subscription can start after it. */
  done(): bigint | undefined;
  inFlight(): number;
  isLive(): boolean;
  stop(): Promise<void>;
}

/** A service driven by the log: a window of events in work, ordered per key, and a checkpoint behind the oldest of them. */
export const drive = (store: EventStore, options: DriveOptions): Drive => {
  const tails = new Map<string, Promise<void>>();
  // Events in work, oldest first (a Map keeps insertion order and positions only rise), each with the place of the event before it.
  const pending = new Map<bigint, bigint | undefined>();
  const stopping = new AbortController();
  const { checkpointEvery = 1000 } = options;
  let newest = options.after === 'start' ? undefined : options.after;
  let sinceCheckpoint = 0;
  let roomWanted: (() => void) | undefined;

  const done = (): bigint | undefined => {
    const [oldest] = pending;
    return oldest === undefined ? newest : oldest[1];
  };

  /** False when it was stopped before the event was done. */
  const work = async (event: RecordedEvent): Promise<boolean> => {
    let backoffMs = BACKOFF_MS_MIN;
    while (!stopping.signal.aborted) {
      if ((await options.handle(event)) === 'done') return true;
      await options.timers.sleep(backoffMs, `${options.name} retries`, stopping.signal);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
    }
    return false;
  };

  const finish = async (event: RecordedEvent): Promise<void> => {
    pending.delete(event.position);
    roomWanted?.();
    sinceCheckpoint += 1;
    const at = done();
    if (sinceCheckpoint < checkpointEvery || stopping.signal.aborted || at === undefined) return;
    sinceCheckpoint = 0;
    await options.onCheckpoint?.(at);
  };

  const stopWorking = (): void => {
    stopping.abort();
    roomWanted?.();
  };

  const fail = (error: unknown): void => {
    stopWorking();
    options.onFailed(error);
  };

  const start = (event: RecordedEvent): void => {
    const key = options.keyOf(event);
    pending.set(event.position, newest);
    newest = event.position;
    const tail = (tails.get(key) ?? Promise.resolve()).then(() => work(event)).then((isDone) => (isDone ? finish(event) : undefined)).catch(fail);
    tails.set(key, tail);
    void tail.then(() => {
      if (tails.get(key) === tail) tails.delete(key);
    });
  };

  const subscription: Subscription = store.subscribeAll({
    name: options.name,
    after: options.after,
    streamPrefixes: options.streamPrefixes,
    onFailed: fail,
    onEvent: async (event) => {
      while (pending.size >= WINDOW_MAX && !stopping.signal.aborted) await new Promise<void>((resolve) => (roomWanted = resolve));
      if (!stopping.signal.aborted) start(event);
    },
  });

  return {
    done,
    inFlight: () => pending.size,
    isLive: () => subscription.isLive() && !stopping.signal.aborted,
    stop: async () => {
      stopWorking();
      await subscription.stop();
      await Promise.all(tails.values());
    },
  };
};
