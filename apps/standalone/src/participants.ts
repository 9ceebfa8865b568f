import { HeartbeatV1, heartbeatSubject } from '@tallystick/contracts';
import { listen, type BusConnection } from '@tallystick/messaging';
import type { Stop } from '@tallystick/ports';
import type { Participant } from '@tallystick/services';

/** Which strategies have come up, by their heartbeats, and how often each wants its turn. */
export class Participants {
  private readonly everyMs = new Map<string, number>();
  private arrived: () => void = () => undefined;
  private readonly stopListening: Stop;

  constructor(connection: BusConnection, private readonly wanted: readonly string[]) {
    this.stopListening = listen(connection, {
      subject: heartbeatSubject('*'),
      onMessage: ({ body }) => {
        const beat = HeartbeatV1.safeParse(body);
        if (!beat.success || beat.data.status !== 'running' || beat.data.turn_every_ms === undefined) return;
        this.everyMs.set(beat.data.instance_id, beat.data.turn_every_ms);
        if (this.missing().length === 0) this.arrived();
      },
    });
  }

  missing(): readonly string[] {
    return this.wanted.filter((instance) => !this.everyMs.has(instance));
  }

  /** All that are wanted, in the order in which they are wanted, once each has been heard. */
  async all(): Promise<readonly Participant[]> {
    if (this.missing().length > 0) await new Promise<void>((resolve) => (this.arrived = resolve));
    this.stopListening();
    return this.wanted.map((instance) => ({ instance, everyMs: this.everyMs.get(instance) ?? 0 }));
  }
}
