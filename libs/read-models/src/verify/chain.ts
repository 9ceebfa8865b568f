import { eventHashOf, GENESIS_HASH } from '@tallystick/contracts';
import type { RecordedEvent } from '@tallystick/ports';

/** Follows the hash that every event carries of the one before it in its stream. */
export class ChainCheck {
  private readonly newest = new Map<string, string>();

  /** What is wrong with this event's place in its stream, or `undefined`. */
  follow(event: RecordedEvent): string | undefined {
    const expected = this.newest.get(event.stream) ?? GENESIS_HASH;
    this.newest.set(event.stream, eventHashOf(event));
    return event.metadata['prevhash'] === expected ? undefined : `${event.stream}@${event.revision} does not carry the hash of the event before it`;
  }
}
