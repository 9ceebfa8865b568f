import { connectEventStore } from '@tallystick/eventstore';
import { silentLog, systemPorts } from '@tallystick/platform';
import { asJson, type Json } from './json.ts';

export interface LogEvent {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly id: string;
  readonly type: string;
  readonly data: Json;
}

/** The whole log, in its order. */
export interface Log {
  readonly all: readonly LogEvent[];
  stream(name: string): readonly LogEvent[];
  /** Streams whose names start with it, each in order. */
  streams(prefix: string): ReadonlyMap<string, readonly LogEvent[]>;
}

const READ_MS_MAX = 60_000;

export const logOf = (all: readonly LogEvent[]): Log => {
  const byStream = new Map<string, LogEvent[]>();
  for (const event of all) {
    const known = byStream.get(event.stream);
    if (known) known.push(event);
    else byStream.set(event.stream, [event]);
  }
  return {
    all,
    stream: (name) => byStream.get(name) ?? [],
    streams: (prefix) => new Map([...byStream].filter(([name]) => name.startsWith(prefix))),
  };
};

/** Every event of ours that is in the store now, as plain JSON: nothing of how the services read it is used. */
export const readLog = async (url: string): Promise<Log> => {
  const store = connectEventStore({ url, ports: systemPorts(), log: silentLog, connectionName: 'campaign-oracle' });
  const events: LogEvent[] = [];
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`the log was not read within ${READ_MS_MAX / 1_000} s`)), READ_MS_MAX);
      const subscription = store.subscribeAll({
        // Every name there is, but the store's own, which begin with $.
        name: 'oracle', after: 'start', streamPrefixes: [...'abcdefghijklmnopqrstuvwxyz'],
        onEvent: ({ stream, revision, position, id, type, data }) => void events.push({ stream, revision, position, id, type, data: asJson(data) }),
        onCaughtUp: () => void subscription.stop().then(resolve),
        onFailed: (error) => reject(error instanceof Error ? error : new Error(String(error))),
      });
    });
  } finally {
    clearTimeout(timer);
    await store.close();
  }
  return logOf(events);
};
