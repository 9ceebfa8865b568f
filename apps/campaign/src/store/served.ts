import { connectEventStore } from '@tallystick/eventstore';
import { BACKWARDS, END, EventStoreDBClient, jsonEvent, type ResolvedEvent } from '@eventstore/db-client';
import { silentLog, systemPorts } from '@tallystick/platform';
import type { EventStore, RecordedEvent } from '@tallystick/ports';
import { digestOf, isWhole } from './ledger.ts';
import type { Served, ServedEvent } from './judge.ts';

/** A log of the campaign is read in seconds; one that is not within this is not served. */
const READ_MS_MAX = 120_000;
/** Of streams that are read at the same time: enough to hide the way there and back. */
const READS_AT_ONCE = 8;
/** An answer that takes this long is none. */
const LARGE_MS_MAX = 60_000;
/** With credentials the stock client appends by a call of its own, whose error it passes on. A store without users ignores them. */
const UNARY = { username: 'faults', password: 'faults' };

export const storeUrl = (port: number): string => `esdb://127.0.0.1:${port}?tls=false`;

const servedOf = ({ stream, revision, position, id, type, data, metadata }: RecordedEvent): ServedEvent => ({
  stream, revision, position, id, digest: digestOf(type, data, metadata), whole: isWhole(data),
});

/** Of a read that the store turned down: its detail is the server's. */
export class ReadRefused extends Error {}

const withStore = async <T>(port: number, work: (store: EventStore) => Promise<T>): Promise<T> => {
  const store = connectEventStore({ url: storeUrl(port), ports: systemPorts(), log: silentLog, connectionName: 'faults-judge', readDeadlineMs: READ_MS_MAX });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
};

const within = async <T>(what: string, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} was not done within ${READ_MS_MAX / 1_000} s`)), READ_MS_MAX);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

const readStream = async (store: EventStore, stream: string): Promise<readonly ServedEvent[]> => {
  const read = await store.read(stream);
  if (!read.ok) throw new ReadRefused(`${stream}: ${read.code}: ${read.detail}`);
  return read.events.map(servedOf);
};

export interface StreamsRead {
  readonly streams: ReadonlyMap<string, readonly ServedEvent[]>;
  /** Why each of the others could not be read. */
  readonly refused: readonly string[];
}

const streamsOf = async (store: EventStore, streams: readonly string[]): Promise<StreamsRead> => {
  const read = new Map<string, readonly ServedEvent[]>();
  const refused: string[] = [];
  const rest = [...streams];
  const readSome = async (): Promise<void> => {
    for (let stream = rest.shift(); stream !== undefined; stream = rest.shift()) {
      try {
        read.set(stream, await readStream(store, stream));
      } catch (error) {
        if (!(error instanceof ReadRefused)) throw error;
        refused.push(error.message);
      }
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, readSome));
  return { streams: read, refused };
};

/** The log of all streams from its start to its end, through the adapter's subscription. */
const subscribeWhole = async (store: EventStore): Promise<readonly ServedEvent[]> => {
  const events: ServedEvent[] = [];
  await within('a subscription to the whole log', new Promise<void>((resolve, reject) => {
    const subscription = store.subscribeAll({
      // Every name there is, but the store's own, which begin with $.
      name: 'faults-judge', after: 'start', streamPrefixes: [...'abcdefghijklmnopqrstuvwxyz'],
      onEvent: (event) => void events.push(servedOf(event)),
      onCaughtUp: () => void subscription.stop().then(resolve, reject),
      onFailed: (error) => reject(error instanceof Error ? error : new Error(String(error))),
    });
  }));
  return events;
};

const withStockClient = async <T>(port: number, work: (client: EventStoreDBClient) => Promise<T>): Promise<T> => {
  const client = EventStoreDBClient.connectionString(storeUrl(port));
  try {
    return await within('a read by the stock client', work(client));
  } finally {
    await client.dispose();
  }
};

interface PartRead {
  readonly events: ServedEvent[];
  /** Why it broke off. */
  readonly refused?: string;
}

/** As far as it comes: what was served before an error was served. */
const collect = async (events: AsyncIterable<ResolvedEvent>): Promise<PartRead> => {
  const read: ServedEvent[] = [];
  try {
    for await (const { event } of events) {
      if (!event || event.streamId.startsWith('$')) continue;
      const { streamId: stream, revision, position, id, type, data, metadata } = event;
      read.push({ stream, revision: Number(revision), position: position?.commit ?? -1n, id, digest: digestOf(type, data, metadata), whole: isWhole(data) });
    }
    return { events: read };
  } catch (error) {
    return { events: read, refused: error instanceof Error ? error.message : String(error) };
  }
};

/** From the end of the log of all streams to its start, in forward order. */
const readBackwards = async (client: EventStoreDBClient): Promise<PartRead> => {
  const read = await collect(client.readAll({ direction: BACKWARDS, fromPosition: END }));
  return { ...read, events: read.events.reverse() };
};

/** What there is to be had through the stock client, which does not try again: the rest is in `refused`. */
export const readWhatIsServed = (port: number, streams: readonly string[]): Promise<{ readonly served: Served; readonly refused: readonly string[] }> =>
  withStockClient(port, async (client) => {
    const byStream = new Map<string, readonly ServedEvent[]>();
    const refused: string[] = [];
    for (const stream of streams) {
      const read = await collect(client.readStream(stream));
      byStream.set(stream, read.events);
      if (read.refused !== undefined && !read.refused.includes('not found')) refused.push(`${stream}: ${read.refused}`);
    }
    const forwards = await collect(client.readAll());
    const backwards = await readBackwards(client);
    for (const { refused: why } of [forwards, backwards]) if (why !== undefined) refused.push(`$all: ${why}`);
    return { served: { streams: byStream, all: forwards.events, again: backwards.events }, refused };
  });

/** One append of so many bytes through the stock client, under no name that is judged: `written`, or what the answer was. */
export const appendLarge = (port: number, bytes: number): Promise<string> =>
  withStockClient(port, async (client) => {
    try {
      await client.appendToStream('too-large', jsonEvent({ type: 'large', data: { text: 'x'.repeat(bytes) } }), { deadline: LARGE_MS_MAX, credentials: UNARY });
      return 'written';
    } catch (error) {
      return error instanceof Error && 'type' in error ? String(error.type) : String(error);
    }
  });

/** All that a server serves of `streams`, by three ways. Rejects when it does not serve all of it. */
export const readServed = async (port: number, streams: readonly string[]): Promise<Served> => {
  const forwards = await withStore(port, async (store) => ({ ...(await streamsOf(store, streams)), all: await subscribeWhole(store) }));
  if (forwards.refused.length > 0) throw new ReadRefused(`not every stream can be read: ${forwards.refused[0]}`);
  const again = await withStockClient(port, readBackwards);
  if (again.refused !== undefined) throw new ReadRefused(`the log cannot be read backwards: ${again.refused}`);
  return { streams: forwards.streams, all: forwards.all, again: again.events };
};
