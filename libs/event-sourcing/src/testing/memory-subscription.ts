import type { Position, RecordedEvent, SubscribeAllOptions, Subscription } from '@tallystick/ports';

/** One reader of the log: in order, one event at a time, its handler awaited. */
export class MemorySubscription implements Subscription {
  private next: number;
  private handled: Position | undefined;
  private live = false;
  private stopped = false;
  private waiting: (() => void) | undefined;
  private resting: (() => void)[] = [];
  private readonly finished: Promise<void>;

  constructor(
    private readonly log: readonly RecordedEvent[],
    private readonly options: SubscribeAllOptions,
    private readonly onEnd: () => void,
  ) {
    const { after } = options;
    this.handled = after === 'start' ? undefined : after === 'end' ? log.at(-1)?.position : after;
    const place = this.handled;
    const found = place === undefined ? 0 : log.findIndex(({ position }) => position > place);
    this.next = found < 0 ? log.length : found;
    this.finished = this.run();
  }

  position(): Position | undefined {
    return this.handled;
  }

  isLive(): boolean {
    return this.live && !this.stopped;
  }

  stop(): Promise<void> {
    this.stopped = true;
    this.wake();
    return this.finished;
  }

  wake(): void {
    this.waiting?.();
    this.waiting = undefined;
  }

  /** Resolves when all of the log has been handed over and handled. */
  rest(): Promise<void> {
    if (this.stopped || (this.waiting && this.next >= this.log.length)) return Promise.resolve();
    return new Promise((resolve) => this.resting.push(resolve));
  }

  private async run(): Promise<void> {
    // The caller gets its subscription before the first event.
    await Promise.resolve();
    try {
      while (!this.stopped) {
        const event = this.log[this.next];
        if (event) await this.take(event);
        else await this.wait();
      }
    } catch (error) {
      this.stopped = true;
      this.options.onFailed(error);
    } finally {
      this.live = false;
      this.onEnd();
      this.rested();
    }
  }

  private async take(event: RecordedEvent): Promise<void> {
    this.next += 1;
    if (!this.options.streamPrefixes.some((prefix) => event.stream.startsWith(prefix))) return;
    await this.options.onEvent(event);
    this.handled = event.position;
  }

  private async wait(): Promise<void> {
    const head = this.log.at(-1)?.position;
    if (head !== undefined) await this.options.onCheckpoint?.(head);
    if (this.next < this.log.length || this.stopped) return;
    if (!this.live) {
      this.live = true;
      this.options.onCaughtUp?.();
    }
    this.rested();
    await new Promise<void>((resolve) => {
      this.waiting = resolve;
    });
  }

  private rested(): void {
    for (const resolve of this.resting.splice(0)) resolve();
  }
}
