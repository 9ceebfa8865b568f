import { bootstrap, loadSigner, paperMarketControl, type PaperMarket, type PaperMarketControl } from '@tallystick/host';
import { connectEventStore } from '@tallystick/eventstore';
import { connectBus, type BusConnection } from '@tallystick/messaging';
import { buildId, createLog, silentMetrics, systemPorts, type ProcessLog } from '@tallystick/platform';
import type { EventStore, Ports } from '@tallystick/ports';
import type { PolicyDocument } from '@tallystick/domain';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { DataDir } from './data-dir.ts';
import { LogFile } from './log-file.ts';
import type { Plan } from './plan.ts';
import { messageOf, Refusal } from './refusal.ts';

/** What this process itself is connected to. */
export interface World {
  readonly ports: Ports;
  readonly log: ProcessLog;
  readonly build: string;
  readonly store: EventStore;
  readonly control: PaperMarketControl;
  /** Stops waiting for a venue that is away. */
  stopAsking(): void;
}

export const createWorld = (plan: Plan, data: DataDir, env: Readonly<Record<string, string | undefined>>, note: (text: string) => void): World => {
  const build = buildId(env);
  const file = new LogFile(join(data.dir, 'logs', 'standalone.log'), (error) => note(`standalone.log cannot be written: ${messageOf(error)}`));
  const log = createLog({ service: 'standalone', instance: `standalone-${process.pid}`, build, to: { write: (line) => file.write(line) } });
  const ports = systemPorts({ log });
  let stopped = false;
  return {
    ports, log, build,
    store: connectEventStore({ url: plan.storeUrl, ports, log, connectionName: 'standalone' }),
    control: paperMarketControl(plan.venueUrl, data.secrets.control_token, (ms) => ports.timers.sleep(ms, 'paper venue'), () => stopped),
    stopAsking: () => {
      stopped = true;
    },
  };
};

export const connectToBus = (plan: Plan, { log, ports }: World): Promise<BusConnection> =>
  connectBus({ servers: plan.natsUrl, name: 'standalone', log, metrics: silentMetrics, ports });

/** Kill switch, instruments of the venue, and the paper policy signed with this installation's key: what must be in the log first. */
export const prepareLog = async (root: string, data: DataDir, { store, ports, build }: World, market: PaperMarket): Promise<string> => {
  const path = join(root, 'deploy/policy/paper.yaml');
  let document: PolicyDocument;
  try {
    document = parse(readFileSync(path, 'utf8')) as PolicyDocument;
  } catch (error) {
    throw new Refusal(`the policy ${path} cannot be read: ${messageOf(error)}`);
  }
  const policy = { ...document, instruments: market.instruments.map(({ symbol }) => symbol) };
  const policySigner = loadSigner(data.dir, 'policy');
  try {
    await bootstrap({ store, ports, build, policySigner, policy, instruments: market.instruments.map((instrument) => ({ ...instrument, venue: 'paper' })) });
  } catch (error) {
    throw new Refusal(`policy, instruments and kill switch could not be put into the log: ${messageOf(error)}`);
  }
  return policySigner.keyId;
};
