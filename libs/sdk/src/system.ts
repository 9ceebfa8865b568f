import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log, Metrics, Ports } from '@tallystick/ports';

/** A strategy that gives no log of its own is not told of what the SDK does for it. */
export const silentLog: Log = { write: () => undefined };
export const silentMetrics: Metrics = { count: () => undefined, observeMs: () => undefined, gauge: () => undefined };

/** The machine's clock, timers and ids. */
export const machine = (log: Log): Ports => ({
  clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
  ids: { unique: () => randomUUID() },
  timers: {
    sleep: async (ms, _why, signal) => {
      try {
        await delay(ms, undefined, signal ? { signal } : {});
      } catch (error) {
        if (signal?.aborted !== true) throw error;
      }
    },
    every: (ms, why, task) => {
      let busy = false;
      const timer = setInterval(() => {
        if (busy) return;
        busy = true;
        task()
          .catch((error: unknown) => log.write('error', 'timer.task_failed', { why, error }))
          .finally(() => {
            busy = false;
          });
      }, ms);
      return () => clearInterval(timer);
    },
  },
});
