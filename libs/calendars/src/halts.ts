/** Trading stopped within its hours, as an event says it. Epoch ms UTC; open-ended until it is resumed. */
export interface Halt {
  readonly halt_id: string;
  readonly from_ms: number;
  readonly until_ms?: number;
  readonly reason: string;
}

export type HaltEvent =
  | { readonly type: 'TradingHalted'; readonly data: Halt }
  | { readonly type: 'TradingResumed'; readonly data: { readonly halt_id: string; readonly at_ms: number } };

/** A halt said again replaces what was known of it; a resumption of one that is not known, or that ended before, changes nothing. */
export const evolveHalts = (halts: readonly Halt[], { type, data }: HaltEvent): readonly Halt[] => {
  if (type === 'TradingHalted') return [...halts.filter(({ halt_id: id }) => id !== data.halt_id), data];
  return halts.map((halt) => (halt.halt_id === data.halt_id && (halt.until_ms === undefined || halt.until_ms > data.at_ms) ? { ...halt, until_ms: data.at_ms } : halt));
};

export const isHalted = ({ from_ms: from, until_ms: until }: Halt, timeMs: number): boolean => timeMs >= from && (until === undefined || timeMs < until);

/** Instants after or at which some halt begins or ends. */
export const haltBounds = (halts: readonly Halt[]): readonly number[] => halts.flatMap(({ from_ms: from, until_ms: until }) => [from, ...(until === undefined ? [] : [until])]);
