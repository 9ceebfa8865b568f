import { setTimeout as delay } from 'node:timers/promises';
import type { Load } from '../load.ts';
import type { StoreServer } from '../server.ts';

const REFUSED_MS_MAX = 60_000;
const LOOK_MS = 20;

/** Under load: until the server says that it could not write. False when it does not come to that. */
export const waitForRefusal = async (server: StoreServer, load: Load): Promise<boolean> => {
  const untilMs = performance.now() + REFUSED_MS_MAX;
  const before = server.said('store_write_refused').length;
  while (server.said('store_write_refused').length === before && server.exit === undefined && performance.now() < untilMs) await load.more(1, delay(LOOK_MS));
  return server.said('store_write_refused').length > before;
};
