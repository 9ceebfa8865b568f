import { setTimeout as delay } from 'node:timers/promises';

/** A service that is up and still not ready says in its log what for. */
const READY_MS_MAX = 15_000;
const LOOK_MS = 50;
const ANSWER_MS_MAX = 2_000;

const isReady = async (port: number): Promise<boolean> => {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Not listening, or too busy to answer: not ready.
    return false;
  }
};

/** True once the process whose health pages are on `port` says it is ready, false when that takes too long. */
export const waitReady = async (port: number, signal: AbortSignal): Promise<boolean> => {
  const untilMs = performance.now() + READY_MS_MAX;
  while (!signal.aborted && performance.now() < untilMs) {
    if (await isReady(port)) return true;
    await delay(LOOK_MS);
  }
  return false;
};
