import { ControlV1, controlSubject, heartbeatSubject, type HeartbeatV1 } from '@tallystick/contracts';
import type { Log, Ports, Stop } from '@tallystick/ports';
import type { Settings } from './settings.ts';
import type { Wire } from './wire.ts';

/** The supervisor calls an instance silent after several of these. */
const HEARTBEAT_EVERY_MS = 1_000;

export interface StopRequest {
  readonly reason: string;
  /** Process time, UTC, after which the process is ended; absent where nobody said. */
  readonly deadlineMs?: number;
}

/** How others ask this strategy to leave. */
export interface Control {
  /** Called once, with the first request, also when that came before. */
  onStop(leave: (request: StopRequest) => void): Stop;
  /** Aborts with the first request. */
  readonly stopping: AbortSignal;
  /** Asks this strategy to leave, as a control message would: for signal handlers. */
  stop(request: StopRequest): void;
}

/** Heartbeats out, control messages in. */
export class Presence implements Control {
  private readonly stopped = new AbortController();
  private readonly leavers = new Set<(request: StopRequest) => void>();
  private request: StopRequest | undefined;
  private status: HeartbeatV1['status'] = 'starting';
  private turnEveryMs: number | undefined;
  private readonly ends: Stop[];

  constructor(
    private readonly wire: Wire,
    private readonly ports: Ports,
    private readonly settings: Settings,
    private readonly runId: string,
    log: Log,
  ) {
    this.ends = [
      wire.listen(controlSubject(settings.instanceId), (body) => {
        const control = ControlV1.safeParse(body);
        if (control.success) this.stop({ reason: control.data.reason, deadlineMs: control.data.deadline_ms });
        else log.write('warn', 'sdk.control_unreadable');
      }),
      ports.timers.every(HEARTBEAT_EVERY_MS, 'heartbeat', () => {
        this.beat();
        return Promise.resolve();
      }),
    ];
    this.beat();
  }

  get stopping(): AbortSignal {
    return this.stopped.signal;
  }

  stop(request: StopRequest): void {
    if (this.request) return;
    this.request = request;
    this.report('stopping');
    this.stopped.abort();
    for (const leave of this.leavers) leave(request);
  }

  onStop(leave: (request: StopRequest) => void): Stop {
    if (this.request) leave(this.request);
    else this.leavers.add(leave);
    return () => {
      this.leavers.delete(leave);
    };
  }

  /** `turnEveryMs`: the business time between turns it wants. */
  running(turnEveryMs?: number): void {
    this.turnEveryMs = turnEveryMs;
    if (!this.request) this.report('running');
  }

  /** The last heartbeat says `stopping`. */
  end(): void {
    this.report('stopping');
    for (const end of this.ends) end();
  }

  private report(status: HeartbeatV1['status']): void {
    this.status = status;
    this.beat();
  }

  private beat(): void {
    const { strategy, account, mode, instanceId } = this.settings;
    this.wire.bus.announce(heartbeatSubject(instanceId), {
      version: 1, instance_id: instanceId, run_id: this.runId, strategy, account, mode, time_ms: this.ports.clock.nowMs(), status: this.status,
      ...(this.turnEveryMs === undefined ? {} : { turn_every_ms: this.turnEveryMs }),
    });
  }
}
