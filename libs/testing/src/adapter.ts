import type { EventStore } from '@tallystick/ports';

/** As long as a busy machine may need: a test that waits for an append is not about its deadline. */
const DEADLINE_MS = 60_000;

/** The product's event store adapter on a server's url, silent, with long deadlines. The caller closes it. */
export const connectTestAdapter = async (url: string): Promise<EventStore> => {
  // Loaded only here: most specs of this package's users need no adapter.
  const [{ connectEventStore }, { silentLog, systemPorts }] = await Promise.all([import('@tallystick/eventstore'), import('@tallystick/platform')]);
  return connectEventStore({ url, ports: systemPorts(), log: silentLog, connectionName: 'test', appendDeadlineMs: DEADLINE_MS, readDeadlineMs: DEADLINE_MS });
};
