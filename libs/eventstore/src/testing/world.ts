import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log, LogLevel, Metrics, NewEvent, Ports } from '@tallystick/ports';

/** The machine's clock and timers. */
export const systemPorts = (): Ports => ({
  clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
  timers: {
    sleep: (ms, _why, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }).then(() => undefined, () => undefined),
    every: (ms, _why, task) => {
      const timer = setInterval(() => void task(), ms);
      return () => clearInterval(timer);
    },
  },
  ids: { unique: () => randomUUID() },
});

export interface LogLine {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export const recordingLog = (): Log & { readonly lines: readonly LogLine[] } => {
  const lines: LogLine[] = [];
  return { lines, write: (level, event, fields = {}) => void lines.push({ level, event, fields }) };
};

export const countingMetrics = (): Metrics & { readonly counts: ReadonlyMap<string, number> } => {
  const counts = new Map<string, number>();
  const add = (name: string, labels: Readonly<Record<string, string>> = {}, by = 1): void => {
    const key = [name, ...Object.values(labels)].join(' ');
    counts.set(key, (counts.get(key) ?? 0) + by);
  };
  return { counts, count: add, observeMs: (name, _ms, labels) => add(name, labels), gauge: () => undefined };
};

/** Waits for something to become true; fails with what it waited for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await delay(5);
  }
}

export const newEvent = (data: NewEvent['data'] = {}, type = 'Happened'): NewEvent => ({ id: randomUUID(), type, data, metadata: { actor: 'test' } });
