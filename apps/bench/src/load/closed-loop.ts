import { percentile } from '../machine/numbers.ts';

export interface ClosedLoop {
  readonly per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** CPU of this process, user and system. */
  readonly client_us: number;
  readonly count: number;
}

/**
 * So many callers, each with one call under way at a time, for so long. `one` does the `n`th call of a caller and throws when it
 * failed: a rate with failures in it means nothing.
 */
export const closedLoop = async (callers: number, forMs: number, one: (caller: number, n: number) => Promise<void>): Promise<ClosedLoop> => {
  const times: number[] = [];
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const call = async (caller: number): Promise<void> => {
    for (let n = 0; performance.now() - startedMs < forMs; n += 1) {
      const sentMs = performance.now();
      await one(caller, n);
      times.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
  const tookMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  return {
    per_s: (times.length * 1_000) / tookMs, p50_ms: percentile(times, 0.5), p99_ms: percentile(times, 0.99),
    client_us: (user + system) / times.length, count: times.length,
  };
};
