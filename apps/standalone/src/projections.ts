import { verifyReadModel } from '@tallystick/read-models';
import type { EventStore, Timers } from '@tallystick/ports';
import type { Check } from './checks.ts';

const NAME = 'projections equal the log folded again';

/** What `tally replay verify` does, on the gateway's read model. `scratchPath`: a file it may make and removes. */
export const checkProjections = async (store: EventStore, timers: Timers, path: string, scratchPath: string): Promise<Check> => {
  const result = await verifyReadModel({ path, scratchPath, store, timers });
  switch (result.outcome) {
    case 'same':
      return { name: NAME, ok: true, detail: `${result.events} events, ${result.tables.length} tables, 0 differences at position ${result.position}` };
    case 'different':
      return { name: NAME, ok: false, detail: `${result.detail} at position ${result.position}` };
    case 'unreadable':
      return { name: NAME, ok: false, detail: `${result.code}: ${result.detail}` };
  }
};
