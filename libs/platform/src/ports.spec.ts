import { describe, expect, it } from '@jest/globals';
import { buildId } from './build.ts';
import { systemPorts } from './system-ports.ts';
import { manualPorts, recordingLog, seededIds } from './testing.ts';

describe('the machine’s ports', () => {
  it('sleep as long as asked, or until woken, and never reject', async () => {
    const { clock, timers } = systemPorts();
    const before = clock.monotonicMs();
    await timers.sleep(20, 'test');
    expect(clock.monotonicMs() - before).toBeGreaterThanOrEqual(18);
    const wake = new AbortController();
    const asleep = timers.sleep(60_000, 'test', wake.signal);
    wake.abort();
    await asleep;
    await timers.sleep(60_000, 'test', wake.signal);
  });

  it('never run a periodic task twice at once, and keep its schedule when it fails', async () => {
    const log = recordingLog();
    const { timers } = systemPorts({ log });
    let running = 0;
    let most = 0;
    let runs = 0;
    await new Promise<void>((resolve) => {
      const stop = timers.every(2, 'test', async () => {
        running += 1;
        most = Math.max(most, running);
        runs += 1;
        await timers.sleep(7, 'test');
        running -= 1;
        if (runs === 3) {
          stop();
          resolve();
        }
        throw new Error('fails');
      });
    });
    expect(most).toBe(1);
    expect(log.lines.filter(({ event }) => event === 'timer.task_failed').length).toBeGreaterThanOrEqual(2);
  });
});

describe('ports for tests', () => {
  it('move time only when told, and fire what falls due in order', async () => {
    const { clock, timers, advance, waiting, stepWallClock } = manualPorts({ startMs: 1_000 });
    const fired: string[] = [];
    void timers.sleep(20, 'late').then(() => fired.push(`late ${clock.nowMs()}`));
    void timers.sleep(10, 'early').then(() => fired.push(`early ${clock.nowMs()}`));
    const stop = timers.every(8, 'tick', () => Promise.resolve(void fired.push(`tick ${clock.nowMs()}`)));
    await advance(17);
    expect(fired).toEqual(['tick 1008', 'early 1010', 'tick 1016']);
    expect(waiting().toSorted()).toEqual(['late', 'tick']);
    stepWallClock(50_000);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([50_000, 17]);
    stop();
    await advance(100);
    expect(fired.at(-1)).toBe('late 50003');
    expect(waiting()).toEqual([]);
  });

  it('draw the same ids from the same seed, by kind', () => {
    const [a, b] = [seededIds('s'), seededIds('s')];
    const first = a.unique('claim');
    b.unique('other');
    expect(b.unique('claim')).toBe(first);
    expect(a.unique('claim')).not.toBe(first);
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(seededIds('t').unique('claim')).not.toBe(first);
  });
});

describe('the build', () => {
  it('is what was set when it was built, else the version', () => {
    expect(buildId({ TALLY_BUILD: 'v1.2.3-4-gabcdef0-dirty' })).toBe('v1.2.3-4-gabcdef0-dirty');
    expect(buildId({})).toMatch(/^v\d+\.\d+\.\d+$/);
    expect(buildId({ TALLY_BUILD: 'x\r\nforged: 1' })).toBe(buildId({}));
  });
});
