import { MARKET_SNAPSHOT, turnSubject, TurnReplyV1 } from '@tallystick/contracts';
import type { Bus, JsonObject, Log, MarketSnapshot, Ports } from '@tallystick/ports';
import type { SettlementWatch } from './settlement-watch.ts';

/** What one advance of the market led to. Times are business time, UTC. */
export interface MarketAdvance {
  readonly time_ms: number;
  readonly sequence: number;
  readonly session_open: boolean;
  readonly snapshot: MarketSnapshot;
  /** The venue's newest report number, by account. */
  readonly report_sequences: Readonly<Record<string, number>>;
  readonly next_time_ms?: number;
  readonly ended: boolean;
}

/** The hand that moves a replayed market. */
export interface MarketControl {
  advance(request: { readonly until_ms: number; readonly stop_on_report: boolean }): Promise<MarketAdvance>;
}

/** A strategy instance that takes turns, every `everyMs` of business time. */
export interface Participant {
  readonly instance: string;
  readonly everyMs: number;
}

export interface ConductorOptions {
  readonly control: MarketControl;
  readonly watch: SettlementWatch;
  readonly bus: Bus;
  readonly ports: Ports;
  readonly log: Log;
  /** In the order in which they take their turns. */
  readonly participants: readonly Participant[];
  /** `max`: lockstep, as fast as everything settles. A number: that many times real time, waiting for nobody. */
  readonly speed: 'max' | number;
  readonly startMs: number;
  readonly endMs: number;
  readonly onProgress?: (progress: { readonly timeMs: number; readonly turn: number; readonly waitingFor?: string }) => void;
}

/** A strategy that has not answered by then is asked again, with the same turn: it may have been restarted. */
const TURN_WAIT_MS = 5_000;
/** Market repeats itself this often, so that a source that is gone is told from a market that stands still. */
const REPEAT_MS = 1_000;
/** How often what is waited for is said. */
const STUCK_NOTICE_MS = 5_000;
const LOOK_MS = 20;
/** Wall time between advances when the pace is real. */
const PACE_MS = 100;

/**
 * Moves market, services and strategies in lockstep: a tick matches, its reports are applied, then strategies take turns in a fixed
 * order, and the next turn starts when every intent of the last rests at the venue or is terminal in the log. So the same seed and
 * data give the same orders, decisions and fills, however many processes there are and however often one of them is killed.
 */
export class Conductor {
  private turn = 0;
  private advance: MarketAdvance | undefined;
  private stopped = false;
  private readonly due: { readonly participant: Participant; nextMs: number }[];

  constructor(private readonly options: ConductorOptions) {
    this.due = options.participants.map((participant) => ({ participant, nextMs: nextBoundary(options.startMs, participant.everyMs) }));
  }

  /** The newest snapshot; `undefined` before the first. */
  current(): MarketSnapshot | undefined {
    return this.advance?.snapshot;
  }

  stop(): void {
    this.stopped = true;
  }

  /** Resolves when the market has ended, or after `stop`. */
  async run(): Promise<void> {
    const repeat = this.options.ports.timers.every(REPEAT_MS, 'market repeats itself', () => {
      this.announce();
      return Promise.resolve();
    });
    try {
      await this.move(this.options.startMs);
      if (this.options.speed === 'max') await this.lockstep();
      else await this.paced(this.options.speed);
    } finally {
      repeat();
    }
  }

  /** Advances to `ms` (business time), stopping at every report on the way, and waits until everything is settled. No turns are taken. */
  async moveTo(ms: number): Promise<void> {
    let advance: MarketAdvance;
    do {
      advance = await this.move(ms, true);
      await this.settle();
    } while (!this.stopped && isInterrupted(advance, ms));
  }

  /** Says the newest snapshot again. */
  announce(): void {
    const snapshot = this.current();
    if (snapshot) this.options.bus.announce(MARKET_SNAPSHOT, snapshot as unknown as JsonObject);
  }

  private async move(untilMs: number, stopOnReport = false): Promise<MarketAdvance> {
    this.advance = await this.options.control.advance({ until_ms: untilMs, stop_on_report: stopOnReport });
    this.announce();
    return this.advance;
  }

  private async lockstep(): Promise<void> {
    let at = this.options.startMs;
    while (!this.stopped) {
      const target = this.nextStop(at);
      const advance = await this.move(target, true);
      at = Math.max(at, advance.time_ms);
      await this.settle();
      if (isInterrupted(advance, target)) continue;
      at = target;
      if (advance.session_open) await this.takeTurns(target);
      else this.skipTurns(target);
      this.options.onProgress?.({ timeMs: target, turn: this.turn });
      if (advance.ended || target >= this.options.endMs) break;
    }
    await this.settle();
  }

  /** Where the market must stop next: a turn, a remainder that falls due, or the end. */
  private nextStop(atMs: number): number {
    const turns = this.due.map(({ nextMs }) => nextMs);
    const remainder = this.options.watch.nextRemainderMs();
    const stops = [...turns, ...(remainder === undefined ? [] : [remainder])].filter((stop) => stop > atMs);
    return Math.min(this.options.endMs, ...stops);
  }

  private skipTurns(untilMs: number): void {
    for (const entry of this.due) while (entry.nextMs <= untilMs) entry.nextMs += entry.participant.everyMs;
  }

  private async takeTurns(atMs: number): Promise<void> {
    for (const entry of this.due) {
      if (entry.nextMs > atMs) continue;
      while (entry.nextMs <= atMs) entry.nextMs += entry.participant.everyMs;
      this.turn += 1;
      const keys = await this.ask(entry.participant, this.turnRequest(atMs));
      await this.settle(keys);
    }
  }

  private turnRequest(atMs: number): JsonObject {
    const position = this.options.watch.position();
    const snapshot = this.current();
    return { version: 1, turn: this.turn, time_ms: atMs, market_sequence: snapshot?.sequence ?? 0, snapshot: snapshot as unknown as JsonObject,
      ...(position === undefined ? {} : { position: position.toString() }) };
  }

  /** Asked until answered: a strategy that was killed answers when it is back, and its keys make the repeat harmless. */
  private async ask(participant: Participant, request: JsonObject): Promise<readonly string[]> {
    while (!this.stopped) {
      const reply = TurnReplyV1.safeParse(await this.options.bus.request(turnSubject(participant.instance), request, TURN_WAIT_MS));
      if (reply.success && reply.data.turn === request['turn']) return reply.data.intent_keys;
      this.options.log.write('warn', 'turn.not_answered', { instance: participant.instance, turn: request['turn'] });
      this.options.onProgress?.({ timeMs: Number(request['time_ms']), turn: this.turn, waitingFor: `strategy ${participant.instance}` });
      await this.options.ports.timers.sleep(REPEAT_MS, 'ask the strategy again');
    }
    return [];
  }

  /**
   * Waits until nothing is under way, by the log and by the venue's own count of what it has said. `intentKeys`: intents of a turn
   * just taken, which are in the log and perhaps not yet in the fold.
   */
  private async settle(intentKeys: readonly string[] = []): Promise<void> {
    const { watch, ports, onProgress } = this.options;
    let noticeAtMs = ports.clock.monotonicMs() + STUCK_NOTICE_MS;
    while (!this.stopped && this.advance) {
      const { time_ms: nowMs, report_sequences: sequences } = this.advance;
      if (intentKeys.every((key) => watch.knowsIntent(key)) && watch.isSettled(sequences, nowMs)) {
        // The venue may have said more since: asked without moving it.
        const again = await this.options.control.advance({ until_ms: nowMs, stop_on_report: false });
        this.advance = { ...again, snapshot: this.advance.snapshot };
        if (watch.isSettled(again.report_sequences, nowMs)) return;
      }
      await Promise.race([watch.change(), ports.timers.sleep(LOOK_MS, 'settle')]);
      if (ports.clock.monotonicMs() > noticeAtMs) {
        noticeAtMs = ports.clock.monotonicMs() + STUCK_NOTICE_MS;
        const waitingFor = watch.pending(sequences, nowMs);
        this.options.log.write('warn', 'replay.waiting', { for: waitingFor, time_ms: nowMs });
        onProgress?.({ timeMs: nowMs, turn: this.turn, ...(waitingFor === undefined ? {} : { waitingFor }) });
      }
    }
  }

  private async paced(speed: number): Promise<void> {
    const { ports, bus, startMs, endMs } = this.options;
    const began = ports.clock.monotonicMs();
    while (!this.stopped) {
      const target = Math.min(endMs, startMs + Math.floor((ports.clock.monotonicMs() - began) * speed));
      const advance = await this.move(target);
      for (const entry of this.due) {
        if (entry.nextMs > target) continue;
        while (entry.nextMs <= target) entry.nextMs += entry.participant.everyMs;
        if (!advance.session_open) continue;
        this.turn += 1;
        bus.announce(turnSubject(entry.participant.instance), this.turnRequest(target));
      }
      this.options.onProgress?.({ timeMs: target, turn: this.turn });
      if (advance.ended || target >= endMs) return;
      await ports.timers.sleep(PACE_MS, 'pace of the market');
    }
  }
}

/** It stopped at a report: there is more of the market before the target. */
const isInterrupted = (advance: MarketAdvance, targetMs: number): boolean =>
  advance.time_ms < targetMs && !advance.ended && (advance.next_time_ms ?? Infinity) <= targetMs;

/** The first multiple of `everyMs` after `ms`, so that turns fall on round times. */
const nextBoundary = (ms: number, everyMs: number): number => (Math.floor(ms / everyMs) + 1) * everyMs;
