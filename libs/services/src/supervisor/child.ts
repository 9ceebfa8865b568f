import type { SupervisionLimits } from './limits.ts';
import type { ChildExit, ProcessPort, ProcessRef } from './process-port.ts';

/** The running process of an instance, as this supervisor watches it. Times are monotonic process time. */
export class Child {
  private exit: ChildExit | undefined;
  private heardAtMs: number | undefined;
  /** Silence counts from here: the start, the last heartbeat, or when the bus came back. */
  private quietSinceMs: number;
  private askedToLeaveAtMs: number | undefined;
  private killed = false;

  /** `exited` absent: adopted, so that its end is seen by looking and its exit code never. */
  constructor(
    readonly process: ProcessRef,
    private readonly processes: ProcessPort,
    private readonly limits: SupervisionLimits,
    readonly sinceMs: number,
    exited: Promise<ChildExit> | undefined,
    onExit: () => void,
  ) {
    this.quietSinceMs = sinceMs;
    this.adopted = exited === undefined;
    void exited?.then((exit) => {
      this.exit = exit;
      onExit();
    });
  }

  readonly adopted: boolean;

  /** How it ended, once it has. */
  ended(): ChildExit | undefined {
    if (this.adopted) return this.processes.isRunning(this.process) ? undefined : {};
    return this.exit;
  }

  heard(nowMs: number): void {
    this.heardAtMs = nowMs;
    this.quietSinceMs = nowMs;
  }

  hasBeenHeard(): boolean {
    return this.heardAtMs !== undefined;
  }

  /** For how long it has been silent, once that is too long. Without a bus nobody can be heard: nothing counts, and what did is forgotten. */
  silence(nowMs: number, busConnected: boolean): number | undefined {
    if (!busConnected || this.isLeaving()) {
      this.quietSinceMs = nowMs;
      return undefined;
    }
    const silentMs = nowMs - this.quietSinceMs;
    return silentMs > (this.heardAtMs === undefined ? this.limits.firstHeartbeatWithinMs : this.limits.silentAfterMs) ? silentMs : undefined;
  }

  isLeaving(): boolean {
    return this.askedToLeaveAtMs !== undefined;
  }

  /** Asks its group to leave, once, and ends it when it does not. */
  leave(nowMs: number): void {
    if (this.askedToLeaveAtMs === undefined) {
      this.askedToLeaveAtMs = nowMs;
      this.processes.signal(this.process, 'SIGTERM');
    } else if (!this.killed && nowMs - this.askedToLeaveAtMs >= this.limits.killAfterMs) {
      this.killed = true;
      this.processes.signal(this.process, 'SIGKILL');
    }
  }
}
