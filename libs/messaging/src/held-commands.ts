import type { JsMsg } from 'nats';

/** A message delivered here and not yet settled. */
export interface Held {
  readonly place: string;
  /** The newest delivery: a settlement of it settles them all. */
  message: JsMsg;
  readonly sinceMs: number;
  key: string;
  stuck: boolean;
}

/** What the consumer holds, by place in the stream, so that a second delivery of the same message joins the first. */
export interface HeldCommands {
  /** The entry, and whether it is new. */
  take(message: JsMsg, nowMs: number): { readonly held: Held; readonly isNew: boolean };
  release(held: Held): void;
  /** Tells the server that work goes on, for all that have been held no longer than the cap; calls `onStuck` once for each that has. */
  extend(nowMs: number, onStuck: (held: Held) => void): void;
  size(): number;
  all(): readonly Held[];
}

export const createHeldCommands = (heldMsMax: number): HeldCommands => {
  const byPlace = new Map<string, Held>();
  return {
    take: (message, nowMs) => {
      // With its time, because sequences start again when a stream is wiped.
      const place = `${message.info.streamSequence}:${message.info.timestampNanos}`;
      const existing = byPlace.get(place);
      if (existing !== undefined) {
        existing.message = message;
        return { held: existing, isNew: false };
      }
      const held: Held = { place, message, sinceMs: nowMs, key: '', stuck: false };
      byPlace.set(place, held);
      return { held, isNew: true };
    },
    release: (held) => {
      byPlace.delete(held.place);
    },
    extend: (nowMs, onStuck) => {
      for (const held of byPlace.values()) {
        if (nowMs - held.sinceMs <= heldMsMax) held.message.working();
        else if (!held.stuck) {
          held.stuck = true;
          onStuck(held);
        }
      }
    },
    size: () => byPlace.size,
    all: () => [...byPlace.values()],
  };
};
