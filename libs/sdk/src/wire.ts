import { connectBus, createBus, listen, serve, type BusConnection } from '@tallystick/messaging';
import type { Bus, JsonValue, Log, Ports, Stop } from '@tallystick/ports';
import type { Settings } from './settings.ts';
import { silentMetrics } from './system.ts';

/** What the SDK asks of the bus; a simulation gives its own. */
export interface Wire {
  readonly bus: Bus;
  isConnected(): boolean;
  /** Core messages, wildcards allowed, in the order of arrival. */
  listen(subject: string, onMessage: (body: JsonValue) => void): Stop;
  /** Answers requests on a subject; messages that ask for no answer do not come here. */
  serve(subject: string, queue: string, handler: (body: JsonValue) => Promise<JsonValue>): { stop(): Promise<void> };
  close(): Promise<void>;
}

const wireOver = (connection: BusConnection): Wire => ({
  bus: createBus(connection),
  isConnected: () => connection.isConnected(),
  listen: (subject, onMessage) => listen(connection, { subject, onMessage: ({ body }) => onMessage(body) }),
  serve: (subject, queue, handler) => serve(connection, { subject, queue, handler: ({ body }) => handler(body) }),
  close: () => connection.close(),
});

/** Waits for the bus until `signal` aborts, then rejects with `BUS_UNREACHABLE`; afterwards reconnects for ever. */
export const connectWire = async (settings: Settings, ports: Ports, log: Log, signal: AbortSignal | undefined): Promise<Wire> =>
  wireOver(await connectBus({
    servers: settings.servers, name: `strategy ${settings.instanceId}`, log, metrics: silentMetrics, ports,
    ...(settings.credentials ? { credentials: settings.credentials } : {}), ...(signal ? { signal } : {}),
  }));
