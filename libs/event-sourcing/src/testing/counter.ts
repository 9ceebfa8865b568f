import { uuidOf } from '@tallystick/contracts';
import type { Timers } from '@tallystick/ports';
import type { Folding } from '../load.ts';
import type { Fact, RecordContext } from '../record.ts';

/** The smallest domain there is: numbers that add up. */
export interface Added {
  readonly type: 'Added';
  readonly data: { readonly n: number; readonly note?: string };
}

export interface Sum {
  readonly total: number;
  readonly revisions: readonly number[];
}

export const summing: Folding<Sum, Added> = {
  initial: () => ({ total: 0, revisions: [] }),
  evolve: (state, event, revision) => ({ total: state.total + event.data.n, revisions: [...state.revisions, revision] }),
  decode: (recorded) => {
    const n = recorded.data['n'];
    return recorded.type === 'Added' && typeof n === 'number'
      ? { ok: true, event: { type: 'Added', data: { n } } }
      : { ok: false, code: 'EVENT_UNREADABLE', detail: `${recorded.stream}@${recorded.revision}: no Added` };
  },
};

/** A fact that `cause` stands for: the same id however often it is made. */
export const added = (cause: string, n: number): Fact<Added> => ({ id: uuidOf('test/added', cause), event: { type: 'Added', data: { n } } });

export const context: RecordContext = {
  source: '/services/test', actor: 'service:test', build: 'test', policyHash: '', correlationId: 'c', causationId: 'c', time: '2024-01-02T00:00:00.000Z',
};

/** Waits that end when the test says so. */
export const heldTimers = (): Timers & { readonly waits: () => readonly number[]; ring(): void } => {
  const ticking = new Set<() => void>();
  let held: { readonly ms: number; readonly ring: () => void }[] = [];
  return {
    sleep: (ms, _why, signal) =>
      new Promise((resolve) => {
        held.push({ ms, ring: resolve });
        signal?.addEventListener('abort', () => resolve());
        if (signal?.aborted) resolve();
      }),
    every: (_ms, _why, task) => {
      const tick = (): void => void task();
      ticking.add(tick);
      return () => ticking.delete(tick);
    },
    waits: () => held.map(({ ms }) => ms),
    ring: () => {
      const due = held;
      held = [];
      for (const { ring } of due) ring();
      for (const tick of [...ticking]) tick();
    },
  };
};
