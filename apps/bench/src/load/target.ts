import type { JsonObject } from '@tallystick/ports';
import type { BenchSystem } from './system.ts';

/** `filled` at once, or `open`: acknowledged and resting. */
export type OrderKind = 'filled' | 'open';

/** Something that takes an order in and has it at the venue some hops later. */
export interface Target {
  readonly name: string;
  /** Of the request that takes an order in; answered when it is durable. */
  readonly subject: string;
  /** The `n`th body; ids are unique within a run. */
  request(n: number, kind: OrderKind): JsonObject;
  /** The client order id the venue will see, from the answer. Throws when the order was not taken. */
  orderIdOf(answer: unknown): string;
  /** Calls `onMark` for each part of an order that is done, from now on; resolves when it listens, with the way to stop. */
  follow(system: BenchSystem, kind: OrderKind, onMark: (orderId: string) => void, onFailed: (error: unknown) => void): Promise<() => Promise<void>>;
  /** How many parts an order has: after the last nothing of it is left to do. */
  readonly marks: number;
}
