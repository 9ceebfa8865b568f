import { HeartbeatV1 } from '@tallystick/contracts';
import type { DesiredState } from '@tallystick/domain';
import type { JsonValue, Stop } from '@tallystick/ports';
import type { ServicePorts } from '../shared/service-ports.ts';
import type { InstanceView } from './describe.ts';
import { InstanceKeeper, type Desired, type SupervisorPorts } from './instance-keeper.ts';
import { SUPERVISION_LIMITS } from './limits.ts';
import type { InstanceSpec } from './instance-state.ts';

const PROCESS_PREFIX = 'process-';

/**
 * Starts, stops and watches strategy processes, each as its stream `process-<instance>` says. Works without the bus: only
 * silence is not judged then. One supervisor at a time: a second writer to a stream makes the first step down from that instance.
 */
export class Supervisor {
  private readonly keepers = new Map<string, InstanceKeeper>();
  private stopLooking: Stop | undefined;

  constructor(
    private readonly world: ServicePorts,
    private readonly ports: SupervisorPorts,
    private readonly onOwnershipLost: (detail: string) => void = () => undefined,
  ) {}

  /** Reads which instances there are, and begins to keep them. Resolves when the log has been read once. */
  async start(): Promise<void> {
    await this.discover();
    this.stopLooking = this.world.ports.timers.every((this.ports.limits ?? SUPERVISION_LIMITS).lookEveryMs, 'supervise', () => this.reconcile());
    await this.reconcile();
  }

  /** Records what an instance should be from now on; a changed spec takes effect with its next start. */
  desire(spec: InstanceSpec, desired: DesiredState, reason: string): Promise<Desired> {
    return this.keeperOf(spec.instanceId).desire(spec, desired, reason);
  }

  /** A message from a heartbeat subject; what is no heartbeat of an instance kept here is ignored. */
  heard(body: JsonValue): void {
    const heartbeat = HeartbeatV1.safeParse(body);
    if (heartbeat.success) this.keepers.get(heartbeat.data.instance_id)?.heard(heartbeat.data);
  }

  instances(): readonly InstanceView[] {
    return [...this.keepers.values()].map((keeper) => keeper.view()).sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
  }

  /** `end`: all processes end, and their ends are recorded; what is desired stays. `leave`: they run on, for the next supervisor to adopt. */
  async stop(children: 'end' | 'leave'): Promise<void> {
    this.stopLooking?.();
    await Promise.all([...this.keepers.values()].map((keeper) => (children === 'end' ? keeper.end() : keeper.leave())));
  }

  /** One look at every instance. */
  async reconcile(): Promise<void> {
    await Promise.all([...this.keepers.values()].map((keeper) => keeper.reconcile()));
  }

  private keeperOf(instanceId: string): InstanceKeeper {
    let keeper = this.keepers.get(instanceId);
    if (!keeper) {
      keeper = new InstanceKeeper(this.world, this.ports, instanceId, this.onOwnershipLost);
      this.keepers.set(instanceId, keeper);
    }
    return keeper;
  }

  private async discover(): Promise<void> {
    let reached: () => void = () => undefined;
    const caughtUp = new Promise<void>((resolve) => (reached = resolve));
    const subscription = this.world.store.subscribeAll({
      name: 'supervisor-instances', after: 'start', streamPrefixes: [PROCESS_PREFIX],
      onEvent: ({ stream }) => void this.keeperOf(stream.slice(PROCESS_PREFIX.length)),
      onCaughtUp: () => reached(),
      onFailed: (error) => this.world.log.write('error', 'supervisor.discovery_failed', { error }),
    });
    await caughtUp;
    await subscription.stop();
  }
}
