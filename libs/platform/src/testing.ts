import { createHash } from 'node:crypto';
import type { Ids, Log, LogLevel, Metrics, Ports, ProcessClock, Stop, Timers } from '@tallystick/ports';

interface Alarm {
  readonly atMs: number;
  readonly order: number;
  readonly why: string;
  readonly ring: () => void;
}

/** Time that moves only when told. */
export interface ManualPorts extends Ports {
  /** Moves time on, firing what falls due in order and letting each firing settle before the next. */
  advance(ms: number): Promise<void>;
  /** Sets wall time without firing anything: a stepped clock. Monotonic time is untouched. */
  stepWallClock(nowMs: number): void;
  /** The names of the waits that are outstanding. */
  waiting(): readonly string[];
}

// Promise chains a few links deep settle within this many turns; more would only slow a test down.
const TURNS_TO_SETTLE = 20;

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < TURNS_TO_SETTLE; turn += 1) await Promise.resolve();
};

/** UUIDs that depend only on the seed, the kind and how many of that kind were drawn before. */
export const seededIds = (seed: string): Ids => {
  const drawn = new Map<string, number>();
  return {
    unique: (kind) => {
      const n = drawn.get(kind) ?? 0;
      drawn.set(kind, n + 1);
      const hex = createHash('sha256').update(`${seed}\u0000${kind}\u0000${n}`).digest('hex');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
    },
  };
};

/** Deterministic ports: a clock that stands still, timers that fire on `advance`, seeded ids. */
export const manualPorts = (options: { readonly startMs?: number; readonly seed?: string } = {}): ManualPorts => {
  let monotonicMs = 0;
  let wallOffsetMs = options.startMs ?? Date.UTC(2024, 0, 2);
  let alarms: Alarm[] = [];
  let order = 0;

  const setAlarm = (ms: number, why: string, ring: () => void): Stop => {
    const alarm = { atMs: monotonicMs + Math.max(0, ms), order: (order += 1), why, ring };
    alarms.push(alarm);
    return () => {
      alarms = alarms.filter((other) => other !== alarm);
    };
  };

  const timers: Timers = {
    sleep: (ms, why, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const cancel = setAlarm(ms, why, resolve);
        signal?.addEventListener('abort', () => {
          cancel();
          resolve();
        });
      }),
    every: (ms, why, task) => {
      let cancel: Stop = () => undefined;
      let stopped = false;
      const arm = (): void => {
        cancel = setAlarm(ms, why, () => {
          void task().finally(() => {
            if (!stopped) arm();
          });
        });
      };
      arm();
      return () => {
        stopped = true;
        cancel();
      };
    },
  };

  const advance = async (ms: number): Promise<void> => {
    const untilMs = monotonicMs + ms;
    await settle();
    for (;;) {
      const next = alarms.filter((alarm) => alarm.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined) break;
      alarms = alarms.filter((other) => other !== next);
      monotonicMs = next.atMs;
      next.ring();
      await settle();
    }
    monotonicMs = untilMs;
  };

  const clock: ProcessClock = { nowMs: () => wallOffsetMs + Math.floor(monotonicMs), monotonicMs: () => monotonicMs };
  return {
    clock,
    timers,
    ids: seededIds(options.seed ?? 'seed'),
    advance,
    stepWallClock: (nowMs) => {
      wallOffsetMs = nowMs - monotonicMs;
    },
    waiting: () => alarms.map((alarm) => alarm.why),
  };
};

export interface LogLine {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Keeps what was written. */
export const recordingLog = (): Log & { readonly lines: readonly LogLine[] } => {
  const lines: LogLine[] = [];
  return { lines, write: (level, event, fields = {}) => void lines.push({ level, event, fields }) };
};

export const silentLog: Log = { write: () => undefined };
export const silentMetrics: Metrics = { count: () => undefined, observeMs: () => undefined, gauge: () => undefined };

/** Keeps sums of counts, last gauges and all observations, by name and sorted labels: `name{a="1"}`. */
export const recordingMetrics = (): Metrics & { readonly values: ReadonlyMap<string, number>; readonly observed: ReadonlyMap<string, readonly number[]> } => {
  const values = new Map<string, number>();
  const observed = new Map<string, number[]>();
  const keyOf = (name: string, labels: Readonly<Record<string, string>> = {}): string => {
    const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
    return pairs.length === 0 ? name : `${name}{${pairs.map(([label, value]) => `${label}="${value}"`).join(',')}}`;
  };
  return {
    values,
    observed,
    count: (name, labels, by = 1) => void values.set(keyOf(name, labels), (values.get(keyOf(name, labels)) ?? 0) + by),
    gauge: (name, value, labels) => void values.set(keyOf(name, labels), value),
    observeMs: (name, ms, labels) => void observed.set(keyOf(name, labels), [...(observed.get(keyOf(name, labels)) ?? []), ms]),
  };
};
