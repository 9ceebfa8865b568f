import { join } from 'node:path';
import { Inject, Injectable, Module, type DynamicModule, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { heartbeatSubject, processStream, type CommandService } from '@tallystick/contracts';
import { load } from '@tallystick/event-sourcing';
import { listen, queueBacklogs } from '@tallystick/messaging';
import type { Stop } from '@tallystick/ports';
import { instanceFolding, Relay, Supervisor, Sweeper, type InstanceSpec, type LaunchOf } from '@tallystick/services';
import { z } from 'zod';
import { childProcesses } from '../child-processes.ts';
import { commandTopology } from '../process/topology.ts';
import type { World } from '../process/world.ts';
import { WORLD } from './tokens.ts';

/** Instances this installation keeps running, and how their code is started. `TALLY_INSTANCES`, JSON. */
export const InstancesConfig = z.array(z.strictObject({
  instance_id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/),
  strategy: z.string().min(1), strategy_version: z.string().min(1), account: z.string().min(1), mode: z.enum(['paper', 'live']),
  file: z.string().min(1), args: z.array(z.string()).default([]), env: z.record(z.string(), z.string()).default({}),
})).max(200);
export type InstanceConfig = z.infer<typeof InstancesConfig>[number];

const INSTANCES = Symbol('tallystick.instances');
const GIVE_UP = Symbol('tallystick.give-up');
const BACKLOG_EVERY_MS = 2_000;

const specOf = (instance: InstanceConfig): InstanceSpec => ({
  instanceId: instance.instance_id, strategy: instance.strategy, strategyVersion: instance.strategy_version, account: instance.account, mode: instance.mode,
});

@Injectable()
export class SupervisorLife implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly supervisor: Supervisor;
  private readonly sweeper: Sweeper;
  private readonly relay: Relay;
  private readonly stops: Stop[] = [];
  private backlogs: ReadonlyMap<string, number> | undefined;

  constructor(
    @Inject(WORLD) private readonly world: World,
    @Inject(INSTANCES) private readonly instances: readonly InstanceConfig[],
    @Inject(GIVE_UP) giveUp: (why: string) => void,
  ) {
    const because = (error: unknown): void => giveUp(error instanceof Error ? error.message : String(error));
    const processes = childProcesses({ logDir: join(world.config.dataDir, 'logs', 'instances'), installation: world.config.dataDir });
    this.supervisor = new Supervisor(world.service, { processes, launchOf: launcher(instances), busConnected: () => world.connection.isConnected() });
    this.sweeper = new Sweeper(world.service, { backlog: (service, partition) => this.backlog(service, partition), onFailed: because });
    this.relay = new Relay(world.service, because);
  }

  async onApplicationBootstrap(): Promise<void> {
    this.relay.start();
    this.sweeper.start();
    this.stops.push(
      listen(this.world.connection, { subject: heartbeatSubject('*'), onMessage: ({ body }) => this.supervisor.heard(body) }),
      this.world.service.ports.timers.every(BACKLOG_EVERY_MS, 'backlogs', () => this.lookAtBacklogs()),
    );
    await this.lookAtBacklogs();
    await this.supervisor.start();
    for (const instance of this.instances) await this.declare(instance);
    this.world.health.register('relay', 'ready', () => ({ ok: this.relay.isLive(), detail: 'follows the log' }));
    this.world.health.register('sweeper', 'ready', () => ({ ok: this.sweeper.isLive(), detail: 'follows the log' }));
  }

  /** Strategies end with their supervisor when it is asked to stop; when it is killed they run on and are adopted by the next. */
  async onApplicationShutdown(): Promise<void> {
    for (const stop of this.stops) stop();
    await this.supervisor.stop('end');
    await this.sweeper.stop();
    await this.relay.stop();
  }

  /** Starts what is new here, and what only a crash loop had stopped; whatever else was stopped stays so. */
  private async declare(instance: InstanceConfig): Promise<void> {
    const known = await load(this.world.service.store, instanceFolding, processStream(instance.instance_id));
    if (!known.ok) throw new Error(`${known.code}: ${known.detail}`);
    const { spec, desired, reason } = known.loaded.state;
    if (spec && !(desired === 'stopped' && reason.startsWith('CRASH_LOOP'))) return;
    const declared = await this.supervisor.desire(specOf(instance), 'running', 'declared in the configuration');
    if (!declared.ok) throw new Error(`${declared.code}: ${declared.detail}`);
  }

  private backlog(service: CommandService, partition: number): number | undefined {
    if (!this.world.connection.isConnected()) return undefined;
    return this.backlogs?.get(`${service}/${partition}`) ?? (this.backlogs ? 0 : undefined);
  }

  private async lookAtBacklogs(): Promise<void> {
    const queues = await queueBacklogs(this.world.connection, commandTopology(this.world.config.natsReplicas));
    if (!queues) {
      this.backlogs = undefined;
      return;
    }
    const sums = new Map<string, number>();
    for (const { service, partition, pending, out } of queues) sums.set(`${service}/${partition}`, (sums.get(`${service}/${partition}`) ?? 0) + pending + out);
    this.backlogs = sums;
  }
}

const launcher = (instances: readonly InstanceConfig[]): LaunchOf => {
  const byId = new Map(instances.map((instance) => [instance.instance_id, instance]));
  return ({ instanceId }) => byId.get(instanceId);
};

@Module({})
export class SupervisorModule {
  static forRoot(world: World, instances: readonly InstanceConfig[], giveUp: (why: string) => void): DynamicModule {
    return {
      module: SupervisorModule,
      providers: [{ provide: WORLD, useValue: world }, { provide: INSTANCES, useValue: instances }, { provide: GIVE_UP, useValue: giveUp }, SupervisorLife],
    };
  }
}
