import type { CommandService } from '@tallystick/contracts';
import type { RecordedEvent, Stop, Subscription } from '@tallystick/ports';
import type { ServicePorts } from '../shared/service-ports.ts';
import { SweepBook, type Overdue, type Waiting } from './sweep-book.ts';

/** Durations are process time. */
export interface SweepLimits {
  readonly lookEveryMs: number;
  /** Overdue after so long, by what is waited for. */
  readonly afterMs: Readonly<Record<Waiting, number>>;
  readonly backoffMsMax: number;
  readonly perSecondMax: number;
  readonly backlogMax: number;
}

export const SWEEP_LIMITS: SweepLimits = {
  lookEveryMs: 1_000,
  afterMs: {
    // A decision takes milliseconds: after five seconds its command is lost, or its service is away and will not mind a second one.
    decision: 5_000,
    claim: 5_000,
    // A send may take its 5 s deadline and the questions after it the venue's admissibility window.
    outcome: 10_000,
    cancel_claim: 5_000,
    cancel_outcome: 15_000,
  },
  // An order that five minutes of driving did not move is a person's business; the alert for it is another one.
  backoffMsMax: 300_000,
  // A tenth of what one executor does: driving again must never be the load.
  perSecondMax: 50,
  // More than this waits: it is slow, not lost, and more commands would only make it slower.
  backlogMax: 200,
};

/** Commands waiting in a partition, deliveries in hand included; `undefined` when the bus does not say. */
export type Backlog = (service: CommandService, partition: number) => number | undefined;

export interface SweeperOptions {
  readonly backlog: Backlog;
  /** The log cannot be followed any more: the process had better end. */
  readonly onFailed: (error: unknown) => void;
  readonly limits?: SweepLimits;
}

/** A store that did not answer a read. */
const READ_AGAIN_MS = 500;

interface Patience {
  readonly attempts: number;
  /** Monotonic process time. */
  readonly nextAtMs: number;
}

/**
 * Drives again what is overdue in a state by the log, with a fresh message id: so the loss of every message costs delay, not orders.
 * It decides nothing: whoever takes the command finds out from the log what there is to do, and a repeat of what is done does nothing.
 */
export class Sweeper {
  private readonly book: SweepBook;
  private readonly limits: SweepLimits;
  private readonly patience = new Map<string, Patience>();
  private subscription: Subscription | undefined;
  private stopLooking: Stop | undefined;
  private stopped = false;
  private allowance: { tokens: number; atMs: number };

  constructor(
    private readonly world: ServicePorts,
    private readonly options: SweeperOptions,
  ) {
    this.book = new SweepBook(world.store);
    this.limits = options.limits ?? SWEEP_LIMITS;
    this.allowance = { tokens: this.limits.perSecondMax, atMs: world.ports.clock.monotonicMs() };
  }

  /** Folds the log from its start. Drives nothing before it has caught up: an old state is no reason. */
  start(): void {
    this.subscription = this.world.store.subscribeAll({
      name: 'sweeper', after: 'start', streamPrefixes: ['intent-', 'order-'], onFailed: this.options.onFailed, onEvent: (event) => this.apply(event),
    });
    this.stopLooking = this.world.ports.timers.every(this.limits.lookEveryMs, 'sweep', async () => {
      await this.sweep();
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.stopLooking?.();
    await this.subscription?.stop();
  }

  isLive(): boolean {
    return this.subscription?.isLive() ?? false;
  }

  /** How much is remembered; for status and tests. */
  size(): ReturnType<SweepBook['size']> {
    return this.book.size();
  }

  /** One look at all that waits. Returns how many commands were sent. */
  async sweep(): Promise<number> {
    if (!this.isLive()) return 0;
    const now = this.world.ports.clock.nowMs();
    const due: Overdue[] = [];
    const seen = new Set<string>();
    let overdue = 0;
    for (const one of this.book.all()) {
      seen.add(one.key);
      if (now - one.sinceMs < this.limits.afterMs[one.waiting]) continue;
      overdue += 1;
      if (this.isDue(one)) due.push(one);
    }
    for (const key of this.patience.keys()) if (!seen.has(key)) this.patience.delete(key);
    this.world.metrics.gauge('tally_sweeper_overdue', overdue);
    let sent = 0;
    for (const one of due) {
      if (!this.hasRoom(one)) continue;
      if (!this.takeToken()) break;
      if (await this.drive(one)) sent += 1;
    }
    return sent;
  }

  private async apply(recorded: RecordedEvent): Promise<void> {
    let applied = await this.book.apply(recorded);
    while (applied === 'retry' && !this.stopped) {
      await this.world.ports.timers.sleep(READ_AGAIN_MS, 'sweeper reads again');
      applied = await this.book.apply(recorded);
    }
    if (applied === 'unreadable') this.world.log.write('error', 'sweeper.event_unreadable', { stream: recorded.stream, revision: recorded.revision });
  }

  private isDue({ key }: Overdue): boolean {
    const patience = this.patience.get(key);
    return patience === undefined || this.world.ports.clock.monotonicMs() >= patience.nextAtMs;
  }

  /** A backlog that nobody can tell is no room: the bus is away, and a command would be lost. */
  private hasRoom({ service, partition }: Overdue): boolean {
    const backlog = this.options.backlog(service, partition);
    return backlog !== undefined && backlog <= this.limits.backlogMax;
  }

  private takeToken(): boolean {
    const nowMs = this.world.ports.clock.monotonicMs();
    const { perSecondMax } = this.limits;
    const tokens = Math.min(perSecondMax, this.allowance.tokens + ((nowMs - this.allowance.atMs) / 1000) * perSecondMax);
    this.allowance = { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs };
    return tokens >= 1;
  }

  private async drive(one: Overdue): Promise<boolean> {
    const sent = await this.world.bus.send(one.subject, one.body, `sweep/${this.world.ports.ids.unique('sweep')}`);
    const attempts = (this.patience.get(one.key)?.attempts ?? 0) + (sent.ok ? 1 : 0);
    const waitMs = Math.min(this.limits.backoffMsMax, this.limits.afterMs[one.waiting] * 2 ** Math.max(0, attempts - 1));
    this.patience.set(one.key, { attempts, nextAtMs: this.world.ports.clock.monotonicMs() + waitMs });
    if (sent.ok) {
      this.world.metrics.count('tally_swept_total', { waiting: one.waiting });
      this.world.log.write('warn', 'sweeper.driven_again', { key: one.key, waiting: one.waiting, attempts });
    }
    return sent.ok;
  }
}
