import type { JsonObject, RecordedEvent } from '@tallystick/ports';

/** Something that takes an order in and has it at the venue some hops later. */
export interface Target {
  readonly name: string;
  readonly subject: string;
  /** The `n`th body; ids are unique within a run. */
  request(n: number, kind: OrderKind): JsonObject;
  /** The client order id the venue will see, from the answer. Throws when the order was not taken. */
  orderIdOf(answer: unknown): string;
  /** Streams that say that an order is through, and of which order an event there says a part of it. */
  readonly donePrefixes: readonly string[];
  doneOf(event: RecordedEvent, kind: OrderKind): string | undefined;
  /** How many such events there are of an order, so that nothing of it is left to do. */
  marks(kind: OrderKind): number;
}

/** `filled` at once, or `open`: acknowledged and resting. */
export type OrderKind = 'filled' | 'open';
