import type { PaperMarket } from '@tallystick/host';
import { createBus, type BusConnection } from '@tallystick/messaging';
import { Conductor, SettlementWatch, type Participant } from '@tallystick/services';
import { paperVenue } from '@tallystick/venues';
import { join } from 'node:path';
import type { Speed } from './args.ts';
import { VenueBook } from './book.ts';
import type { DataDir } from './data-dir.ts';
import { foldLog } from './fold.ts';
import type { MarketVoice } from './market-voice.ts';
import { PAPER_CASH, readModelFile, type Plan } from './plan.ts';
import { checkProjections } from './projections.ts';
import { messageOf, Refusal } from './refusal.ts';
import { summarise, type Summary } from './summary.ts';
import type { World } from './world.ts';

export interface ReplayOptions {
  readonly world: World;
  readonly plan: Plan;
  readonly data: DataDir;
  readonly connection: BusConnection;
  readonly market: PaperMarket;
  readonly voice: MarketVoice;
  readonly participants: readonly Participant[];
  readonly speed: Speed;
}

/** The market from where it stands to its end, and what came of it. */
export class Replay {
  private readonly watch: SettlementWatch;
  private readonly conductor: Conductor;
  private readonly beganMs = performance.now();
  private stopped = false;
  private at: { readonly timeMs: number; readonly turn: number; readonly waitingFor?: string };

  constructor(private readonly options: ReplayOptions) {
    const { world, plan, data, connection, market, participants, speed, voice } = options;
    const [token = ''] = Object.values(data.secrets.venue_tokens);
    this.watch = new SettlementWatch(world.store, new Map([['paper', paperVenue({ baseUrl: plan.venueUrl, token })]]));
    this.at = { timeMs: market.position.time_ms, turn: 0 };
    this.conductor = new Conductor({
      control: world.control, watch: this.watch, bus: createBus(connection), ports: world.ports, log: world.log, participants, speed,
      startMs: market.position.time_ms, endMs: market.end_ms,
      onProgress: (progress) => {
        this.at = progress;
      },
    });
    const before = voice.current();
    voice.follow(() => this.conductor.current() ?? before);
  }

  /** Resolves when the market has ended and nothing is under way any more, or after `stop`. Rejects with a Refusal. */
  async run(): Promise<void> {
    try {
      await this.watch.start();
      await this.conductor.run();
      // At a pace nobody waits for what the last step led to.
      if (!this.stopped) await this.conductor.moveTo(this.options.market.end_ms);
    } catch (error) {
      // When everything is being stopped, what it stands on goes away under it.
      if (!this.stopped) throw new Refusal(`the replay cannot go on: ${messageOf(error)}`);
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.conductor.stop();
    await this.watch.stop();
  }

  /** One line: business time, part of the market that is over, what there is so far, and what is waited for when that is long. */
  line(): string {
    const { market } = this.options;
    const { timeMs, turn, waitingFor } = this.at;
    const nowMs = Math.min(market.end_ms, Math.max(timeMs, this.conductor.current()?.time_ms ?? 0));
    const part = (nowMs - market.start_ms) / Math.max(1, market.end_ms - market.start_ms);
    const { intents, orders } = this.watch.tally();
    let fills = 0;
    for (const order of orders.values()) fills += order.fills.size;
    const time = new Date(nowMs).toISOString().slice(0, 19).replace('T', ' ');
    const waits = waitingFor === undefined ? '' : `  waiting for ${waitingFor}`;
    return `${time} UTC  ${String(Math.floor(part * 100)).padStart(3)} %  turn ${turn}  intents ${intents}  orders ${orders.size}  fills ${fills}${waits}`;
  }

  async summary(restarts: Readonly<Record<string, number>>): Promise<Summary> {
    const { world, data, market, speed } = this.options;
    const tookMs = performance.now() - this.beganMs;
    const book = VenueBook.parse(await world.control.book());
    const ledger = await foldLog(world.store);
    const projections = await checkProjections(world.store, world.ports.timers, readModelFile(data.dir), join(data.dir, 'read-model', 'verify.sqlite'));
    return summarise({
      ledger, book, initialCash: PAPER_CASH, snapshot: this.conductor.current(), speed: String(speed), turns: this.at.turn, tookMs, restarts, moreChecks: [projections],
      market: { source: market.source, simulated: market.simulated, days: market.days, symbols: market.instruments.map(({ symbol }) => symbol) },
    });
  }
}
