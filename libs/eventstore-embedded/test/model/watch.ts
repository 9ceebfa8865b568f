import { eventTypeFilter, streamNameFilter } from '@eventstore/db-client';
import type { Readable } from 'node:stream';
import type { AllStreamResolvedEvent, AllStreamSubscription, Filter, Position, ReadPosition, ReadRevision, StreamSubscription } from '@eventstore/db-client';
import { foundByAdapter, foundOf } from './calls.ts';
import type { Found } from './calls.ts';
import type { EventFilter, Following } from './following.ts';
import type { Connections } from './ports.ts';

/** A real subscription beside what it must come to. */
export interface Watch {
  readonly following: Following;
  readonly seen: Found[];
  readonly checkpoints: bigint[];
  /** It has ended, by an error or not. */
  over(): boolean;
  stop(): Promise<void>;
}

const filterOf = ({ on, prefixes = [], regex, window, multiplier }: EventFilter, onCheckpoint: (position: bigint) => void): Filter => {
  const options = {
    maxSearchWindow: window, checkpointInterval: multiplier,
    checkpointReached: (_: unknown, position: Position) => Promise.resolve(onCheckpoint(position.commit)),
  };
  const filter = on === 'stream' ? streamNameFilter : eventTypeFilter;
  return regex === undefined ? filter({ ...options, prefixes: [...prefixes] }) : filter({ ...options, regex });
};

/** Resolves when history was handed over, or what ends the subscription. */
const watch = async (following: Following, checkpoints: bigint[], subscription: AllStreamSubscription | StreamSubscription): Promise<Watch> => {
  const seen: Found[] = [];
  let over = false;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const end = (): void => {
    over = true;
    begin();
  };
  // The two kinds have the same events with listeners of different types: as streams they are one.
  const stream = subscription as unknown as Readable;
  stream.on('data', ({ event }: AllStreamResolvedEvent) => void seen.push(foundOf(event!)));
  stream.on('caughtUp', () => begin());
  stream.on('error', end);
  stream.on('end', end);
  await begun;
  return { following, seen, checkpoints, over: () => over, stop: () => subscription.unsubscribe() };
};

export const watchAll = ({ stock }: Connections, following: Following, from: 'start' | 'end' | bigint, filter: EventFilter | undefined): Promise<Watch> => {
  const checkpoints: bigint[] = [];
  const fromPosition: ReadPosition = typeof from === 'bigint' ? { commit: from, prepare: from } : from;
  return watch(following, checkpoints, stock.subscribeToAll({ fromPosition, ...(filter && { filter: filterOf(filter, (position) => checkpoints.push(position)) }) }));
};

export const watchStream = ({ stock }: Connections, following: Following, stream: string, from: 'start' | 'end' | number): Promise<Watch> => {
  const fromRevision: ReadRevision = typeof from === 'number' ? BigInt(from) : from;
  return watch(following, [], stock.subscribeToStream(stream, { fromRevision }));
};

export const watchThroughAdapter = async ({ adapter }: Connections, following: Following, prefixes: readonly string[], after: bigint | 'start' | 'end'): Promise<Watch> => {
  const seen: Found[] = [];
  let over = false;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const subscription = adapter.subscribeAll({
    after, streamPrefixes: prefixes, name: following.says,
    onEvent: (event) => void seen.push(foundByAdapter(event)),
    onCaughtUp: () => begin(),
    onFailed: () => {
      over = true;
      begin();
    },
  });
  await begun;
  return { following, seen, checkpoints: [], over: () => over, stop: () => subscription.stop() };
};
