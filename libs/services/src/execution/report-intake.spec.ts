import { describe, expect, it } from '@jest/globals';
import { venueReportStream } from '@tallystick/contracts';
import { MemoryStore } from '@tallystick/event-sourcing/testing';
import type { Ports, RawReport } from '@tallystick/ports';
import type { ServicePorts } from '../shared/service-ports.ts';
import { ReportIntake } from './report-intake.ts';
import { AccountReports } from './report-log.ts';

const NOON_MS = Date.UTC(2024, 0, 2, 12);
const TURNS = 200;

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < TURNS; turn += 1) await Promise.resolve();
};

const report = (sequence: number): RawReport => ({ report_id: `r${sequence}`, sequence, account: 'a', channel: 'stream', body: { type: 'acknowledged', sequence } });

/** A world whose sleeps end when told. */
const intakeOn = async (store: MemoryStore) => {
  let drawn = 0;
  let wake: (() => void)[] = [];
  const ports: Ports = {
    clock: { nowMs: () => NOON_MS, monotonicMs: () => 0 },
    ids: { unique: () => `00000000-0000-4000-8000-${String((drawn += 1)).padStart(12, '0')}` },
    timers: {
      sleep: (_ms, _why, signal) => new Promise((resolve) => {
        wake.push(resolve);
        signal?.addEventListener('abort', () => resolve());
      }),
      every: () => () => undefined,
    },
  };
  const world = {
    identity: { service: 'execution', instance: 'e1', build: 'b' }, ports, store, business: { nowMs: () => NOON_MS }, log: { write: () => undefined }, traceparent: () => undefined,
  } as unknown as ServicePorts;
  const reports = new AccountReports(world, 'paper', 'a', () => '');
  await reports.open();
  const intake = new ReportIntake(world, reports, ({ report_id }) => ({ correlationId: 'a', causationId: report_id }));
  const passTime = async (): Promise<void> => {
    const sleeping = wake;
    wake = [];
    for (const resolve of sleeping) resolve();
    await settled();
  };
  const recorded = (): readonly unknown[] => store.all().filter(({ stream }) => stream === venueReportStream('a', '2024-01-02')).map(({ data }) => data['sequence']);
  return { intake, reports, passTime, recorded };
};

describe('the report stream of an account', () => {
  it('is recorded in the order of the venue, what came during an append in the next one', async () => {
    const store = new MemoryStore();
    const { intake, recorded } = await intakeOn(store);
    const release = store.hold();
    for (const sequence of [1, 2, 3, 4]) await intake.take(report(sequence));
    expect(recorded()).toEqual([]);
    release();
    await settled();
    expect(recorded()).toEqual([1, 2, 3, 4]);
  });

  it('never has a report in the log without the one before it, whichever append fails', async () => {
    const store = new MemoryStore();
    const { intake, reports, passTime, recorded } = await intakeOn(store);
    store.failNext('append', 'unavailable');
    await intake.take(report(1));
    await settled();
    await intake.take(report(2));
    await settled();
    expect(recorded()).toEqual([]);
    expect(reports.sequence()).toBe(0);
    await passTime();
    await passTime();
    expect(recorded()).toEqual([1, 2]);
    expect(reports.sequence()).toBe(2);
  });

  it('takes no more than so many at once', async () => {
    const store = new MemoryStore();
    const { intake } = await intakeOn(store);
    const release = store.hold();
    let taken = 0;
    const taking = (async () => {
      for (let sequence = 1; sequence <= 200; sequence += 1) {
        await intake.take(report(sequence));
        taken = sequence;
      }
    })();
    await settled();
    expect(taken).toBe(64);
    release();
    await taking;
    expect(taken).toBe(200);
  });

  it('records a report once that comes twice', async () => {
    const store = new MemoryStore();
    const { intake, recorded } = await intakeOn(store);
    for (const sequence of [1, 2, 1, 2, 3]) await intake.take(report(sequence));
    await settled();
    expect(recorded()).toEqual([1, 2, 3]);
  });

  it('stops without waiting for what cannot be recorded: the venue tells it again from the last in the log', async () => {
    const store = new MemoryStore();
    const { intake, recorded } = await intakeOn(store);
    store.failNext('append', 'unavailable', 100);
    await intake.take(report(1));
    await settled();
    await intake.stop();
    expect(recorded()).toEqual([]);
  });
});
