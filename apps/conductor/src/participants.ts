import { HeartbeatV1, heartbeatSubject } from '@tallystick/contracts';
import { listen, type BusConnection } from '@tallystick/messaging';
import type { Participant } from '@tallystick/services';

/** The instances wanted, in that order, each with how often it takes turns, once all have been heard. */
export const heardParticipants = (connection: BusConnection, wanted: readonly string[], onWaiting: (missing: readonly string[]) => void): Promise<readonly Participant[]> => {
  if (wanted.length === 0) return Promise.resolve([]);
  onWaiting(wanted);
  const everyMs = new Map<string, number>();
  return new Promise((resolve) => {
    const stop = listen(connection, {
      subject: heartbeatSubject('*'),
      onMessage: ({ body }) => {
        const beat = HeartbeatV1.safeParse(body);
        if (!beat.success || beat.data.turn_every_ms === undefined || !wanted.includes(beat.data.instance_id)) return;
        everyMs.set(beat.data.instance_id, beat.data.turn_every_ms);
        if (everyMs.size < wanted.length) return;
        stop();
        resolve(wanted.map((instance) => ({ instance, everyMs: everyMs.get(instance) ?? 0 })));
      },
    });
  });
};
