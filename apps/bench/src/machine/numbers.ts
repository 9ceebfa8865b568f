/** Median of several rounds, with what they lay between. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

const sortedOf = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** The value that `share` of the others do not exceed; NaN of nothing. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = sortedOf(values);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

export const median = (values: readonly number[]): number => {
  const sorted = sortedOf(values);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
};

export const spreadOf = (values: readonly number[]): Spread => ({ median: median(values), min: Math.min(...values), max: Math.max(...values) });

/** Three digits that mean something, whatever the size. */
export const short = (value: number): string => {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
};

export const shown = ({ median: middle, min, max }: Spread): string => `${short(middle)} (${short(min)}..${short(max)})`;
