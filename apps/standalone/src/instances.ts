import { decodeProcess } from '@tallystick/contracts';
import type { EventStore, RecordedEvent, Subscription } from '@tallystick/ports';

export interface InstanceSeen {
  readonly pid: number | undefined;
  /** Starts since this installation was started, less the first. */
  readonly restarts: number;
}

/** The strategy processes, which the supervisor keeps, as it records them. */
export class Instances {
  private readonly seen = new Map<string, { pid: number | undefined; starts: number }>();
  private subscription: Subscription | undefined;

  constructor(
    private readonly store: EventStore,
    /** Starts recorded before this (process time, UTC) were of an earlier run. */
    private readonly sinceMs: number,
    private readonly changed: () => void,
  ) {}

  start(onFailed: (error: unknown) => void): void {
    this.subscription = this.store.subscribeAll({ name: 'instances', after: 'start', streamPrefixes: ['process-'], onEvent: (event) => this.apply(event), onFailed });
  }

  async stop(): Promise<void> {
    await this.subscription?.stop();
  }

  list(): ReadonlyMap<string, InstanceSeen> {
    return new Map([...this.seen].filter(([, { starts }]) => starts > 0).map(([name, { pid, starts }]) => [name, { pid, restarts: starts - 1 }]));
  }

  private apply(recorded: RecordedEvent): void {
    const decoded = decodeProcess(recorded);
    if (!decoded.ok) throw new Error(decoded.detail);
    const { event } = decoded;
    const { instance_id: instance } = event.data;
    const known = this.seen.get(instance) ?? { pid: undefined, starts: 0 };
    this.seen.set(instance, known);
    if (event.type === 'InstanceStarted') {
      known.pid = event.data.pid;
      if (recorded.recordedAtMs >= this.sinceMs) known.starts += 1;
    }
    if (event.type === 'InstanceExited') known.pid = undefined;
    if (recorded.recordedAtMs >= this.sinceMs) this.changed();
  }
}
