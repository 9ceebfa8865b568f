import { describe, expect, it } from '@jest/globals';
import { storeLines, storeTargets } from './report-store.ts';
import type { StoreResult } from './sections/store.ts';

const loop = { per_s: 1_000, p50_ms: 1, p99_ms: 2, client_us: 50, server_us: 40, count: 500 };
const rate = { per_s: 30_000, client_us: 8, server_us: 6 };

const result = (start: Partial<StoreResult['start']> = {}): StoreResult => ({
  appends: [{ way: 'batch', writers: 16, rounds: [{ store: { ...loop, per_sync: 8 }, echo: { ...loop, p50_ms: 0.5, per_s: 4_000 }, sync: { p50_ms: 0.25, p99_ms: 1, per_s: 3_000 }, others: 0.1 }] }],
  read_events: 100_000, reads: [{ stream: rate, all: rate, echo: { ...rate, per_s: 300_000 }, others: 0 }],
  delivery: [{ subscribers: 20, rounds: [{ p50_ms: 3, p99_ms: 9, echo_p50_ms: 0.3, deliveries: 4_000 }] }],
  start: {
    events: 1_000_000, log_bytes: 2 ** 29, filled_resident_mib: 300, after_stop_ms: [400, 500, 600], after_kill_ms: [700, 2_500, 2_600], started_resident_mib: 150, read_resident_mib: 180, ...start,
  },
});

describe('what is printed of the store', () => {
  it('shows ratios to the floors of the same rounds', () => {
    const text = storeLines(result());
    // p50 against bare gRPC and against a sync, and the share of its rate.
    expect(text).toMatch(/batch, 16 .* 2\.00 .* 4\.00 .* 0\.25/);
    expect(text).toMatch(/20 subscribers .* 10\.0$/m);
  });

  it('holds start and memory to their limits, by the median start and the most memory', () => {
    expect(storeTargets(result()).map(({ met }) => met)).toEqual([true, false, true]);
    expect(storeTargets(result({ read_resident_mib: 401 })).at(-1)).toMatchObject({ value: 401, limit: 400, met: false });
  });

  it('holds a smaller log to nothing', () => {
    expect(storeTargets(result({ events: 100_000 }))).toEqual([]);
  });
});
