import type { EventStore, JsonValue, Log, SubscribeAllOptions, Timers } from '@tallystick/ports';
import type { GatewayPorts } from '../gateway-ports.ts';

export interface FakeWorld {
  readonly ports: GatewayPorts;
  /** Subjects and bodies that were asked on the bus, in order. */
  readonly asked: { readonly subject: string; readonly body: JsonValue }[];
  readonly logged: string[];
  readonly subscriptions: SubscribeAllOptions[];
  stopped: number;
  /** Rings the timers of `every`. */
  beat(): Promise<void>;
  nowMs: number;
}

/** A world for specs of the gateway: time passes when somebody sleeps, and the bus answers what it is told to. */
export const fakeWorld = (respond: (body: JsonValue, n: number) => JsonValue | undefined = () => undefined): FakeWorld => {
  const beats: (() => Promise<void>)[] = [];
  const fake = { asked: [] as FakeWorld['asked'], logged: [] as string[], subscriptions: [] as SubscribeAllOptions[], stopped: 0, nowMs: 0 };
  const timers: Timers = {
    sleep: async (ms) => {
      fake.nowMs += ms;
      await Promise.resolve();
    },
    every: (_ms, _why, task) => {
      beats.push(task);
      return () => void beats.splice(beats.indexOf(task), 1);
    },
  };
  const log: Log = { write: (_level, event) => void fake.logged.push(event) };
  const store = {
    subscribeAll: (options: SubscribeAllOptions) => {
      fake.subscriptions.push(options);
      return { position: () => 41n, isLive: () => true, stop: () => Promise.resolve(void (fake.stopped += 1)) };
    },
  } as unknown as EventStore;
  const bus = {
    request: (subject: string, body: JsonValue, timeoutMs: number): Promise<JsonValue | undefined> => {
      fake.asked.push({ subject, body });
      const said = respond(body, fake.asked.length);
      if (said === undefined) fake.nowMs += timeoutMs;
      return Promise.resolve(said);
    },
  };
  const service = {
    identity: { service: 'gateway', instance: 'gateway-test', build: 'test' }, bus, store, log,
    ports: { clock: { nowMs: () => fake.nowMs, monotonicMs: () => fake.nowMs }, timers, ids: { unique: (kind: string) => `${kind}-1` } },
    metrics: { count: () => undefined, observeMs: () => undefined, gauge: () => undefined },
  };
  return Object.assign(fake, {
    ports: { service, readModel: { queries: { order: () => undefined } } } as unknown as GatewayPorts,
    beat: async () => {
      for (const task of [...beats]) await task();
    },
  });
};
