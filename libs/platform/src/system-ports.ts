import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Ids, Log, Ports, ProcessClock, Stop, Timers } from '@tallystick/ports';

const systemClock: ProcessClock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

const systemIds: Ids = { unique: () => randomUUID() };

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted ?? false;

const sleep: Timers['sleep'] = async (ms, _why, signal) => {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    // An abort is an early wake-up, as the port says; anything else is a fault of the caller.
    if (!isAborted(signal)) throw error;
  }
};

const everyWith =
  (log: Log | undefined): Timers['every'] =>
  (ms, why, task): Stop => {
    let busy = false;
    const timer = setInterval(() => {
      if (busy) return;
      busy = true;
      task()
        .catch((error: unknown) => {
          if (log === undefined) throw error;
          log.write('error', 'timer.task_failed', { why, error });
        })
        .finally(() => {
          busy = false;
        });
    }, ms);
    return () => {
      clearInterval(timer);
    };
  };

/**
 * The machine's clock, timers and ids. A periodic task that rejects is logged and keeps its schedule; without a log the
 * rejection is left unhandled, which ends the process.
 */
export const systemPorts = (options: { readonly log?: Log } = {}): Ports => ({
  clock: systemClock,
  timers: { sleep, every: everyWith(options.log) },
  ids: systemIds,
});
