import type { MarketAdvance, MarketControl } from '@tallystick/services';
import { MarketSnapshotV1 } from '@tallystick/contracts';
import { z } from 'zod';

const Advance = z.object({
  time_ms: z.int(), sequence: z.int(), session_open: z.boolean(), snapshot: MarketSnapshotV1, report_sequences: z.record(z.string(), z.int()),
  next_time_ms: z.int().optional(), ended: z.boolean(),
});

const Market = z.object({
  source: z.string(), simulated: z.boolean(), days: z.array(z.string()), start_ms: z.int(), end_ms: z.int(),
  session: z.object({ name: z.string() }),
  instruments: z.array(z.object({ symbol: z.string(), currency: z.string(), tick_size: z.string(), lot_size: z.string(), session: z.string() })),
  position: z.object({ sequence: z.int(), time_ms: z.int() }), ended: z.boolean(),
});
export type PaperMarket = z.infer<typeof Market>;

export interface PaperMarketControl extends MarketControl {
  market(): Promise<PaperMarket>;
  /** The venue's whole book: the oracle that our own is compared with. */
  book(): Promise<unknown>;
}

const RETRY_MS = 200;
const REQUEST_MS_MAX = 120_000;

/** The paper venue's control door. Asks again for as long as the venue is away: it comes back with its book and its place in the market. */
export const paperMarketControl = (baseUrl: string, token: string, sleep: (ms: number) => Promise<void>, isStopped: () => boolean): PaperMarketControl => {
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    for (;;) {
      try {
        const response = await fetch(`${baseUrl}${path}`, {
          method, headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }), signal: AbortSignal.timeout(REQUEST_MS_MAX),
        });
        const answer: unknown = await response.json();
        if (response.ok) return answer;
        // The venue answered and will answer the same again: market data that cannot be read does not mend itself.
        throw new VenueSaysNo(`${method} ${path}: ${response.status} ${JSON.stringify(answer).slice(0, 300)}`);
      } catch (error) {
        if (error instanceof VenueSaysNo || isStopped()) throw error;
        await sleep(RETRY_MS);
      }
    }
  };
  return {
    advance: async (request): Promise<MarketAdvance> => {
      const { next_time_ms: nextTimeMs, ...advance } = Advance.parse(await ask('POST', '/control/step', request));
      return { ...advance, ...(nextTimeMs === undefined ? {} : { next_time_ms: nextTimeMs }) };
    },
    market: async () => Market.parse(await ask('GET', '/control/market')),
    book: () => ask('GET', '/v1/book'),
  };
};

class VenueSaysNo extends Error {}
