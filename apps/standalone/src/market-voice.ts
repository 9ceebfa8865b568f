import { MARKET_CURRENT, MARKET_SNAPSHOT } from '@tallystick/contracts';
import { createBus, serve, type BusConnection, type Responder } from '@tallystick/messaging';
import type { JsonObject, MarketSnapshot, Stop, Timers } from '@tallystick/ports';

/** Five missed in a row mean to listeners that the market is gone. */
const REPEAT_MS = 1_000;

/**
 * Says the newest snapshot again and again, before the first move of the market and after its last, and answers whoever starts late:
 * a market that stands still must not be taken for one that is gone.
 */
export class MarketVoice {
  private readonly responder: Responder;
  private readonly stopRepeating: Stop;
  private source: () => MarketSnapshot | undefined = () => undefined;

  constructor(connection: BusConnection, timers: Timers) {
    const bus = createBus(connection);
    this.responder = serve(connection, {
      subject: MARKET_CURRENT, queue: 'market',
      handler: () => {
        const snapshot = this.current();
        return Promise.resolve(snapshot === undefined ? { ok: false, code: 'MARKET_NOT_OPEN', detail: 'no snapshot yet', retryable: true } : json(snapshot));
      },
    });
    this.stopRepeating = timers.every(REPEAT_MS, 'market repeats itself', () => {
      const snapshot = this.current();
      if (snapshot) bus.announce(MARKET_SNAPSHOT, json(snapshot));
      return Promise.resolve();
    });
  }

  current(): MarketSnapshot | undefined {
    return this.source();
  }

  follow(source: () => MarketSnapshot | undefined): void {
    this.source = source;
  }

  async stop(): Promise<void> {
    this.stopRepeating();
    await this.responder.stop();
  }
}

const json = (snapshot: MarketSnapshot): JsonObject => snapshot as unknown as JsonObject;
