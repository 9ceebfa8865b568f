import type { TurnReplyV1, TurnRequestV1 } from '@tallystick/contracts';
import type { Log } from '@tallystick/ports';
import { slotStartMs } from '../business-time.ts';

/** Turns that wait while one is being taken. A strategy slower than its market had better see the newest ones than all of them. */
const WAITING_MAX = 16;

interface Entry {
  readonly request: TurnRequestV1;
  /** Somebody waits for the reply: it is never dropped. */
  asked: boolean;
  readonly reply: Promise<readonly string[]>;
  settle(keys: readonly string[]): void;
  fail(error: unknown): void;
}

const idOf = (request: TurnRequestV1): string => `${request.turn}/${request.time_ms}`;

const entryOf = (request: TurnRequestV1): Entry => {
  let settle: Entry['settle'] = () => undefined;
  let fail: Entry['fail'] = () => undefined;
  const reply = new Promise<readonly string[]>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  // A turn that was only announced has nobody to tell; the queue has logged its failure.
  reply.catch(() => undefined);
  return { request, asked: false, reply, settle, fail };
};

/**
 * Turns one after the other. The same message comes as an announcement and, where a reply is wanted, as a request: both join one
 * taking. A turn of an interval that was taken before is answered with what was proposed then; a failed one is taken again.
 */
export class TurnQueue {
  private readonly waiting: Entry[] = [];
  private readonly entries = new Map<string, Entry>();
  private taken: { readonly slotMs: number; readonly keys: readonly string[] } | undefined;
  private working: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly everyMs: number,
    private readonly take: (request: TurnRequestV1, slotMs: number) => Promise<readonly string[]>,
    private readonly log: Log,
  ) {}

  /** Nobody waits for the outcome. */
  announced(request: TurnRequestV1): void {
    this.join(request);
    const excess = this.waiting.length - WAITING_MAX;
    const oldest = excess > 0 ? this.waiting.findIndex((entry) => !entry.asked) : -1;
    const [dropped] = oldest < 0 ? [] : this.waiting.splice(oldest, 1);
    if (!dropped) return;
    this.entries.delete(idOf(dropped.request));
    dropped.fail(new Error('TURN_DROPPED: newer turns wait'));
    this.log.write('warn', 'sdk.turn_dropped', { turn: dropped.request.turn });
  }

  /** Rejects when the turn failed: it is to be asked for again. */
  async asked(request: TurnRequestV1): Promise<TurnReplyV1> {
    const entry = this.join(request);
    if (entry) entry.asked = true;
    const keys = entry ? await entry.reply : (this.taken?.keys ?? []);
    return { version: 1, turn: request.turn, intent_keys: [...keys] };
  }

  /** Takes no more turns; resolves when the one in hand is over. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const entry of this.waiting.splice(0)) {
      this.entries.delete(idOf(entry.request));
      entry.fail(new Error('STOPPING: this instance takes no more turns'));
    }
    await this.working;
  }

  /** `undefined` when the interval of this turn was taken before. */
  private join(request: TurnRequestV1): Entry | undefined {
    const known = this.entries.get(idOf(request));
    if (known) return known;
    if (this.taken?.slotMs === slotStartMs(request.time_ms, this.everyMs)) return undefined;
    const entry = entryOf(request);
    if (this.stopped) {
      entry.fail(new Error('STOPPING: this instance takes no more turns'));
      return entry;
    }
    this.entries.set(idOf(request), entry);
    this.waiting.push(entry);
    this.working ??= this.work().finally(() => {
      this.working = undefined;
    });
    return entry;
  }

  private async work(): Promise<void> {
    for (let entry = this.waiting.shift(); entry; entry = this.waiting.shift()) {
      const slotMs = slotStartMs(entry.request.time_ms, this.everyMs);
      try {
        // The interval may have been taken while this one waited.
        const keys = this.taken?.slotMs === slotMs ? this.taken.keys : await this.take(entry.request, slotMs);
        this.taken = { slotMs, keys };
        entry.settle(keys);
      } catch (error) {
        this.log.write('error', 'sdk.turn_failed', { turn: entry.request.turn, error });
        entry.fail(error);
      }
      this.entries.delete(idOf(entry.request));
    }
  }
}
