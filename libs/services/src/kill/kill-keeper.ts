import { auditStream, factIdOf, KILL_ACKNOWLEDGED } from '@tallystick/contracts';
import { canceledBy, KILL_SCOPE_KINDS, parseKillScope, type AuditEvent, type EngagedKill, type KillState } from '@tallystick/domain';
import type { OwnedStream } from '@tallystick/event-sourcing';
import type { HandlerOutcome, Stop } from '@tallystick/ports';
import type { ReferenceData } from '../reference/reference-data.ts';
import { recordContext, type ServicePorts } from '../shared/service-ports.ts';
import type { KillDesk } from './kill-desk.ts';
import { NO_KILL_FILE } from './kill-file.ts';
import type { OpenOrder, OpenOrders } from './open-orders.ts';

/** The file is looked at before each send as well: this is for when nothing is sent, and a fifth of what may pass between request and application. */
const FILE_EVERY_MS = 10;
const SWEEP_EVERY_MS = 250;
/** As many as the command lanes have at work: more adds nothing. */
const AT_WORK_MAX = 64;
/** A cancel that was answered is recorded and folded within this, but for a machine that is very busy. */
const ANSWERED_MS = 5_000;
/** A venue that refuses a cancel, or cannot be reached, is asked again, ever more seldom. */
const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 30_000;
/** The desk tries for seconds by itself; a file that cannot be recorded holds all the same. */
const RECORD_AGAIN_MS = 1_000;

/** What the executor does for a kill. */
export interface KillHands {
  serves(order: OpenOrder): boolean;
  /** Orders that were not sent are withheld: the switch refuses them. */
  withhold(order: OpenOrder, causationId: string): Promise<HandlerOutcome>;
  cancel(order: OpenOrder, kill: EngagedKill, causationId: string): Promise<HandlerOutcome>;
}

export interface KillKeeperOptions {
  readonly desk: KillDesk;
  readonly orders: OpenOrders;
  readonly audit: OwnedStream<null, AuditEvent>;
  readonly hands: KillHands;
}

/** What stops orders here, as reference data tell it. */
export type KillReference = Pick<ReferenceData, 'kill' | 'loggedKill' | 'killFile' | 'onKill' | 'policyHash'>;

interface Patience {
  readonly tries: number;
  /** Monotonic process time. */
  readonly nextAtMs: number;
}

/**
 * An executor under the kill switch: says when a kill holds here, cancels what works in its scope (past every queue of commands), keeps on until
 * nothing is left, and records what the kill file asks for. All of it begins anew from the log, whenever it starts.
 */
export class KillKeeper {
  private readonly acknowledged = new Set<string>();
  private readonly patience = new Map<string, Patience>();
  private readonly atWork = new Map<string, Promise<void>>();
  private readonly stops: Stop[] = [];
  /** What is due, the first to be done last. */
  private due: OpenOrder[] = [];
  private recording: Promise<void> | undefined;
  private recordAgainAtMs = 0;
  private seenInFile = '[]';
  private stopped = false;

  constructor(
    private readonly world: ServicePorts,
    private readonly reference: KillReference,
    private readonly options: KillKeeperOptions,
  ) {}

  start(): void {
    const { timers } = this.world.ports;
    this.options.orders.start();
    this.stops.push(
      this.reference.onKill(() => this.look()),
      timers.every(SWEEP_EVERY_MS, 'kill switch', () => Promise.resolve(this.look())),
    );
    if (this.reference.killFile() !== NO_KILL_FILE) this.stops.push(timers.every(FILE_EVERY_MS, 'kill file', () => Promise.resolve(this.lookAtFile())));
    this.look();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const stop of this.stops) stop();
    await this.options.orders.stop();
    await this.recording;
    await Promise.all(this.atWork.values());
  }

  /** Whatever is engaged now holds now: every send asks the same state. */
  private look(): void {
    if (this.stopped) return;
    const logged = this.reference.loggedKill();
    for (const kill of logged.engaged.values()) if (!this.acknowledged.has(kill.kill_id)) this.acknowledge(kill);
    this.measure(this.reference.kill());
    if ([...logged.engaged.values()].some(({ mode }) => mode === 'stop_and_cancel')) this.sweep(logged);
    else this.patience.clear();
    for (const id of this.acknowledged) if (![...logged.engaged.values()].some((kill) => kill.kill_id === id)) this.acknowledged.delete(id);
  }

  private acknowledge(kill: EngagedKill): void {
    const { ports, identity, log, metrics, bus } = this.world;
    const appliedAtMs = ports.clock.nowMs();
    const { kill_id: killId, scope, requested_at_ms: requestedAtMs } = kill;
    this.acknowledged.add(killId);
    const data = { kill_id: killId, scope, instance: identity.instance, requested_at_ms: requestedAtMs, applied_at_ms: appliedAtMs };
    metrics.observeMs('tally_kill_apply_ms', Math.max(0, appliedAtMs - requestedAtMs), { via: kill.via });
    log.write('warn', 'kill.applied', { ...data, mode: kill.mode, after_ms: appliedAtMs - requestedAtMs });
    bus.announce(KILL_ACKNOWLEDGED, { version: 1, ...data });
    const stream = auditStream(identity.instance);
    const context = recordContext(this.world, this.reference.policyHash(), { correlationId: killId, causationId: killId });
    void this.options.audit.submit(context, () => ({ result: undefined, facts: [{ id: factIdOf(stream, killId, 0), event: { type: 'KillAcknowledged', data } }] })).then((recorded) => {
      if (recorded.ok) return;
      // The next look tries again; the kill holds meanwhile.
      this.acknowledged.delete(killId);
      log.write('warn', 'kill.not_acknowledged_yet', { kill_id: killId, code: recorded.code, detail: recorded.detail });
    });
  }

  private measure(state: KillState): void {
    const kinds = [...state.engaged.keys()].map((scope) => parseKillScope(scope)?.kind);
    for (const kind of KILL_SCOPE_KINDS) this.world.metrics.gauge('tally_kill_engaged', kinds.filter((one) => one === kind).length + (kind === 'firm' && !state.exists ? 1 : 0), { scope_kind: kind });
  }

  /** What the venue may have comes first; what was never sent is withheld by its own command too, and can wait. */
  private sweep(state: KillState): void {
    const nowMs = this.world.ports.clock.monotonicMs();
    const due = [...this.options.orders.all()].filter((order) =>
      canceledBy(state, order) && this.options.hands.serves(order) && !this.atWork.has(order.orderId) && nowMs >= (this.patience.get(order.orderId)?.nextAtMs ?? 0));
    this.due = [...due.filter(({ sent }) => sent), ...due.filter(({ sent }) => !sent)].reverse();
    this.pump();
  }

  private pump(): void {
    while (!this.stopped && this.atWork.size < AT_WORK_MAX) {
      const order = this.due.pop();
      if (!order) return;
      const kill = canceledBy(this.reference.loggedKill(), order);
      if (kill && !this.atWork.has(order.orderId)) this.drive(kill, order);
    }
  }

  private drive(kill: EngagedKill, order: OpenOrder): void {
    const { orderId } = order;
    const { hands } = this.options;
    const tries = this.patience.get(orderId)?.tries ?? 0;
    const causationId = tries === 0 ? kill.kill_id : `${kill.kill_id}/${tries}`;
    let answered = false;
    const work = (order.sent ? hands.cancel(order, kill, causationId) : hands.withhold(order, causationId)).then((outcome) => {
      answered = outcome.kind === 'done';
      this.world.metrics.count('tally_kill_cancels_total', { outcome: outcome.kind });
      if (outcome.kind !== 'done') this.world.log.write('warn', 'kill.order_not_canceled_yet', { order_id: orderId, kill_id: kill.kill_id, code: outcome.code, detail: outcome.detail });
    }).catch((error: unknown) => {
      this.world.log.write('error', 'kill.cancel_failed', { order_id: orderId, kill_id: kill.kill_id, detail: String(error) });
    }).finally(() => {
      const pauseMs = Math.min(BACKOFF_MS_MAX, (answered ? ANSWERED_MS : BACKOFF_MS_MIN) * 2 ** tries);
      this.patience.set(orderId, { tries: tries + 1, nextAtMs: this.world.ports.clock.monotonicMs() + pauseMs });
      this.atWork.delete(orderId);
      this.pump();
    });
    this.atWork.set(orderId, work);
  }

  private lookAtFile(): void {
    const kills = this.reference.killFile().look();
    const seen = JSON.stringify(kills);
    if (seen !== this.seenInFile) {
      this.seenInFile = seen;
      this.world.log.write('warn', kills.length > 0 ? 'kill.file_found' : 'kill.file_gone', { path: this.reference.killFile().path, scopes: kills.map(({ scope }) => scope) });
      this.measure(this.reference.kill());
      // It holds from here on. It is recorded as it is at the second look: a file is empty for a moment before it is written.
      return;
    }
    const { engaged } = this.reference.loggedKill();
    const wanted = kills.filter(({ scope, mode }) => {
      const kill = engaged.get(scope);
      return !kill || (mode === 'stop_and_cancel' && kill.mode === 'stop_new');
    });
    const { clock } = this.world.ports;
    if (wanted.length === 0 || this.recording || clock.monotonicMs() < this.recordAgainAtMs) return;
    const requestedAtMs = clock.nowMs();
    this.recording = (async () => {
      for (const { scope, mode } of wanted) {
        const done = await this.options.desk.engage({
          scope, mode, reason: 'the kill file is there', by: `file:${this.world.identity.instance}`, via: 'file', requestId: this.world.ports.ids.unique('request'), requestedAtMs,
        });
        if (!done.ok) this.world.log.write('error', 'kill.file_not_recorded_yet', { scope, code: done.code, detail: done.detail });
      }
    })().finally(() => {
      this.recording = undefined;
      this.recordAgainAtMs = clock.monotonicMs() + RECORD_AGAIN_MS;
    });
  }
}
