import type { AppendOutcome, EventStore, ExpectedRevision, Log, Metrics, NewEvent, Ports, ReadOutcome } from '@tallystick/ports';
import { BatchAppender } from './append/batch.ts';
import type { Job } from './append/job.ts';
import { refusalOf } from './append/job.ts';
import { UnaryAppender } from './append/unary.ts';
import { RawStoreClient } from './client.ts';
import { Connector } from './connector.ts';
import { METRIC } from './metrics.ts';
import type { ReaderOptions } from './reads.ts';
import { readHead, readStream } from './reads.ts';
import { ResumingSubscription } from './subscription.ts';
import { prepareStoreUrl, StoreUrlError } from './url.ts';

export interface EventStoreOptions {
  /** `esdb://` or `esdb+discover://`. Its user and password appear in no log, error or metric. */
  readonly url: string;
  readonly ports: Ports;
  readonly log: Log;
  readonly metrics?: Metrics;
  /** What the server's log calls this connection. */
  readonly connectionName: string;
  /** For one append with all its repeats. Default 5000 ms. */
  readonly appendDeadlineMs?: number;
  /** For one read with its repeats. Default 10 000 ms. */
  readonly readDeadlineMs?: number;
  /** `batch` (default): one stream, our own encoding. `unary`: the stock client's call per append, slower, for comparison and as a way out. */
  readonly appendPath?: 'batch' | 'unary';
}

const APPEND_DEADLINE_MS = 5_000;
const READ_DEADLINE_MS = 10_000;
// A store that restarts is back sooner; one that does not is reported rather than waited for.
const CONNECT_WAIT_MS = 1_000;

let adapters = 0;

/**
 * Opens the event store. Returns at once: connecting happens behind it and goes on for ever, and every call answers in bounded time.
 *
 * Appends repeat themselves with the same ids and the same expected revision when an answer is lost, and answer
 * `APPEND_OUTCOME_UNKNOWN` when the deadline passes without one. Beware: the store answers a repeat of events it holds with
 * success, so "ok" to an append whose ids somebody else may have used does not mean that this caller won. Whoever needs to know
 * that (claims) gives fresh ids; the repeats made in here are of the same call and change nothing about it.
 *
 * Appends given without waiting for each other are sent in the order given, and answered in any. `close` waits for what is
 * under way, within its deadlines.
 *
 * Throws `StoreUrlError` (`STORE_URL_INVALID`) for a url that cannot be used. Nothing else throws or rejects.
 */
export function connectEventStore(options: EventStoreOptions): EventStore {
  const { ports, log, metrics, connectionName } = options;
  adapters += 1;
  const url = prepareStoreUrl(options.url, connectionName, adapters);
  if (url.credentialsIgnored) log.write('warn', 'store.credentials_ignored', { store: url.shown, why: 'the connection is not encrypted' });
  const client = openClient(url.connectionString, log);
  const connector = new Connector({ client, ports, log, metrics, shown: url.shown });
  const reader: ReaderOptions = {
    client,
    connector,
    ports,
    metrics,
    deadlineMs: options.readDeadlineMs ?? READ_DEADLINE_MS,
    connectWaitMs: CONNECT_WAIT_MS,
  };
  const appending = {
    client,
    connector,
    ports,
    log,
    metrics,
    deadlineMs: options.appendDeadlineMs ?? APPEND_DEADLINE_MS,
    connectWaitMs: CONNECT_WAIT_MS,
    lookUp: (stream: string, revision: number): Promise<ReadOutcome> => readStream(reader, stream, { from: revision, maxCount: 1 }),
  };
  const appender = options.appendPath === 'unary' ? new UnaryAppender(appending) : new BatchAppender(appending);
  const underWay = new Set<Promise<AppendOutcome>>();
  const subscriptions = new Set<ResumingSubscription>();
  let closing: Promise<void> | undefined;

  const append = (stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendOutcome> => {
    if (closing !== undefined) return Promise.resolve({ ok: false, code: 'STORE_UNAVAILABLE', detail: 'the connection to the store is closed' });
    const refusal = refusalOf(stream, expected, events);
    if (refusal !== undefined) return Promise.resolve({ ok: false, code: 'STORE_REFUSED', detail: refusal });
    const queuedAtMs = ports.clock.monotonicMs();
    const appended = new Promise<AppendOutcome>((resolve) => {
      const settle = (outcome: AppendOutcome): void => {
        metrics?.observeMs(METRIC.append, ports.clock.monotonicMs() - queuedAtMs, { outcome: outcome.ok ? 'ok' : outcome.code });
        resolve(outcome);
      };
      const job: Job = { stream, expected, events, queuedAtMs, deadlineAtMs: queuedAtMs + appending.deadlineMs, attempts: 0, maybeWritten: false, settle };
      appender.append(job);
    });
    underWay.add(appended);
    void appended.then(() => underWay.delete(appended));
    return appended;
  };

  const close = async (): Promise<void> => {
    const stopped = [...subscriptions].map((subscription) => subscription.stop());
    await Promise.all(underWay);
    appender.close();
    await connector.close();
    await Promise.all(stopped);
  };

  return {
    append,
    read: (stream, read) => readStream(reader, stream, read),
    subscribeAll: (subscribe) => {
      const subscription = new ResumingSubscription({ client, connector, ports, log, metrics, head: () => readHead(reader) }, subscribe);
      subscriptions.add(subscription);
      void subscription.finished.then(() => subscriptions.delete(subscription));
      return subscription;
    },
    head: () => readHead(reader),
    close: () => (closing ??= close()),
  };
}

function openClient(connectionString: string, log: Log): RawStoreClient {
  try {
    return RawStoreClient.open(connectionString, log);
  } catch (error) {
    // The client's parser quotes pieces of the string; only its own kind of message about files is worth showing.
    const safe = error instanceof Error && /^(Failed to load|userCertFile)/.test(error.message) ? error.message : 'the client cannot read it';
    throw new StoreUrlError(`the event store url is not usable: ${safe}`);
  }
}
