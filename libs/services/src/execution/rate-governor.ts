import type { Ports } from '@tallystick/ports';

interface Waiting {
  readonly go: () => void;
  readonly cancel: boolean;
}

/**
 * Requests per second to one account's venue, on the machine's clock. Cancels overtake submits and have a reserve of their own: a
 * burst of entries cannot keep an exit waiting.
 */
export class RateGovernor {
  private tokens: number;
  private refilledAt: number;
  private readonly queue: Waiting[] = [];
  private pumping = false;

  constructor(
    private readonly ports: Ports,
    private readonly perSecond: number,
    /** Of a second's requests, this part is kept for cancels. */
    private readonly cancelReserve = 0.2,
  ) {
    this.tokens = perSecond;
    this.refilledAt = ports.clock.monotonicMs();
  }

  waiting(): number {
    return this.queue.length;
  }

  /** Resolves when a request may be made. */
  acquire(kind: 'submit' | 'cancel'): Promise<void> {
    this.refill();
    if (this.queue.length === 0 && this.take(kind === 'cancel')) return Promise.resolve();
    return new Promise((resolve) => {
      const entry: Waiting = { go: resolve, cancel: kind === 'cancel' };
      const firstSubmit = this.queue.findIndex((waiting) => !waiting.cancel);
      if (entry.cancel && firstSubmit >= 0) this.queue.splice(firstSubmit, 0, entry);
      else this.queue.push(entry);
      if (!this.pumping) void this.pump();
    });
  }

  private refill(): void {
    const now = this.ports.clock.monotonicMs();
    this.tokens = Math.min(this.perSecond, this.tokens + ((now - this.refilledAt) / 1000) * this.perSecond);
    this.refilledAt = now;
  }

  private take(cancel: boolean): boolean {
    const floor = cancel ? 1 : 1 + this.perSecond * this.cancelReserve;
    // A venue of one request per second would never reach a reserve above its bucket.
    if (this.tokens < Math.min(floor, this.perSecond)) return false;
    this.tokens -= 1;
    return true;
  }

  private async pump(): Promise<void> {
    this.pumping = true;
    while (this.queue.length > 0) {
      this.refill();
      const [first] = this.queue;
      if (first && this.take(first.cancel)) {
        this.queue.shift();
        first.go();
      } else {
        await this.ports.timers.sleep(Math.max(1, Math.ceil(1000 / this.perSecond)), 'venue rate');
      }
    }
    this.pumping = false;
  }
}
