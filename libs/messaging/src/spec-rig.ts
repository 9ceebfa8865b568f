import { createMetrics, recordingLog, systemPorts } from '@tallystick/platform';
import type { LogLine, MetricsRegistry } from '@tallystick/platform';
import type { Bus, JsonObject } from '@tallystick/ports';
import { createBus } from './bus.ts';
import type { Command } from './command.ts';
import { connectBus } from './connection.ts';
import type { BusConnection } from './connection.ts';
import { ensureTopology } from './ensure-topology.ts';
import { messagingMetrics } from './metrics.ts';
import { commandSubject, token } from './names.ts';
import { defineTopology } from './topology.ts';
import type { Topology } from './topology.ts';

/** What the specs of this package need of a process: a connection with its log and metrics, and the queues of one service. */
export interface Rig {
  readonly connection: BusConnection;
  readonly bus: Bus;
  readonly metrics: MetricsRegistry;
  readonly lines: readonly LogLine[];
  readonly topology: Topology;
  /** Sends to lane `submit` of partition 0, unless told otherwise. */
  send(body: JsonObject, id: string, to?: { readonly partition?: number; readonly lane?: string }): Promise<{ readonly ok: boolean; readonly detail?: string }>;
  /** Value of one series in the exposition text, 0 when it is not there. */
  metric(series: string): Promise<number>;
}

export const SERVICE = 'execution';

export const startRig = async (url: string, queue: { readonly ackWaitMs?: number; readonly maxAckPending?: number } = {}): Promise<Rig> => {
  const log = recordingLog();
  const metrics = createMetrics({ definitions: messagingMetrics, strict: true, processMetrics: false });
  const connection = await connectBus({ servers: url, name: 'spec', log, metrics, ports: systemPorts({ log }) });
  const topology = defineTopology({ replicas: 1, queues: [{ service: SERVICE, partitions: 2, lanes: ['submit', 'cancel'], ...queue }] });
  const ensured = await ensureTopology(connection, topology);
  if (!ensured.ok) throw new Error(`${ensured.code}: ${ensured.detail}`);
  const bus = createBus(connection);
  return {
    connection,
    bus,
    metrics,
    lines: log.lines,
    topology,
    send: (body, id, { partition = 0, lane = 'submit' } = {}) => bus.send(commandSubject(SERVICE, partition, lane), body, token(id)),
    metric: async (series) => {
      const line = (await metrics.text()).split('\n').find((text) => text.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    },
  };
};

/** Commands are keyed by their `key` member in these specs. */
export const keyOf = ({ body }: Command): string => String((body as JsonObject)['key'] ?? '');
export const numberOf = ({ body }: Command): number => Number((body as JsonObject)['n']);
