/**
 * Keys of intents are made of business time, never of the machine's: the same turn then gives the same keys, however often and
 * whenever it is repeated.
 */

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `'30s'`, `'1m'`, `'2h'` or a whole number of ms, as ms. Throws `INTERVAL_INVALID` on anything else, zero too. */
export const intervalMs = (every: string | number): number => {
  const match = typeof every === 'string' ? /^([1-9]\d{0,5})([smh])$/.exec(every) : undefined;
  const ms = match ? Number(match[1]) * UNITS_MS[match[2] as keyof typeof UNITS_MS] : Number(typeof every === 'number' ? every : Number.NaN);
  if (!Number.isSafeInteger(ms) || ms < 1) throw new RangeError(`INTERVAL_INVALID: ${JSON.stringify(every)} is neither a number of ms nor like 30s, 1m or 2h`);
  return ms;
};

/** Start of the interval a business time lies in; intervals count from 1970-01-01T00:00:00Z. */
export const slotStartMs = (timeMs: number, everyMs: number): number => Math.floor(timeMs / everyMs) * everyMs;

/** A slot as the part of a key: `20131008T133100Z`, UTC, fit for names; with ms where it has any. */
export const slotText = (startMs: number): string => {
  const iso = new Date(startMs).toISOString();
  return (startMs % 1_000 === 0 ? iso.replace('.000', '') : iso).replaceAll(/[-:.]/g, '');
};
