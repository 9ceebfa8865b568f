import type { EventStore, StoreFailure } from '@tallystick/ports';
import { timeText } from './service-ports.ts';

const DAY_MS = 86_400_000;
/** A year and a day: whoever stood still for longer starts from a reconciliation, not from an old stream. */
const DAYS_BACK_MAX = 366;
/** Reads in flight while looking back. */
const LOOKS_AT_ONCE = 16;

/** UTC date `YYYY-MM-DD` of a time. */
export const dayOf = (timeMs: number): string => timeText(timeMs).slice(0, 10);

const daysBefore = (day: string, n: number): string => dayOf(Date.parse(`${day}T00:00:00Z`) - n * DAY_MS);

/** The newest day before `day` for which a stream exists; `undefined` when there is none within a year. */
export const dayBefore = async (store: EventStore, nameOf: (day: string) => string, day: string): Promise<{ readonly ok: true; readonly day: string | undefined } | StoreFailure> => {
  for (let back = 1; back <= DAYS_BACK_MAX; back += LOOKS_AT_ONCE) {
    const days = Array.from({ length: Math.min(LOOKS_AT_ONCE, DAYS_BACK_MAX - back + 1) }, (_, i) => daysBefore(day, back + i));
    const reads = await Promise.all(days.map((candidate) => store.read(nameOf(candidate), { maxCount: 1, from: 'end', direction: 'backwards' })));
    for (const [i, read] of reads.entries()) {
      if (!read.ok) return read;
      if (read.exists) return { ok: true, day: days[i] };
    }
  }
  return { ok: true, day: undefined };
};
