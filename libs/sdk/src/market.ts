import { MARKET_CURRENT, MARKET_SNAPSHOT, MarketSnapshotV1 } from '@tallystick/contracts';
import type { JsonValue, Log, MarketSnapshot, Ports, Stop } from '@tallystick/ports';
import { askUntil, refusalIn, type Reading, type WaitOptions } from './ask.ts';
import type { Wire } from './wire.ts';

export type CurrentMarket = { readonly ok: true; readonly snapshot: MarketSnapshot } | { readonly ok: false; readonly code: string; readonly detail: string };

/** Snapshots of the market. Times are business time, UTC. A strategy that takes turns gets its snapshots with them and needs none of this. */
export interface MarketFeed {
  /** Hears every snapshot from now on; late and lost ones are gone. */
  onSnapshot(hear: (snapshot: MarketSnapshot) => void): Stop;
  /** The newest one, asked for. */
  current(options?: WaitOptions): Promise<CurrentMarket>;
}

const CURRENT_WITHIN_MS = 10_000;

const readSnapshot = (answer: JsonValue): Reading<MarketSnapshot> => {
  const refusal = refusalIn(answer);
  if (refusal) return { kind: 'again', ...refusal };
  const snapshot = MarketSnapshotV1.safeParse(answer);
  return snapshot.success ? { kind: 'answer', value: snapshot.data } : { kind: 'again', code: 'ANSWER_UNREADABLE', detail: 'the answer is not a snapshot' };
};

export const marketFeed = (wire: Wire, ports: Ports, log: Log): MarketFeed => ({
  onSnapshot: (hear) =>
    wire.listen(MARKET_SNAPSHOT, (body) => {
      const snapshot = MarketSnapshotV1.safeParse(body);
      if (snapshot.success) hear(snapshot.data);
      else log.write('warn', 'sdk.snapshot_unreadable');
    }),
  current: async (options = {}) => {
    const asked = await askUntil(wire, ports, { ...options, withinMs: options.withinMs ?? CURRENT_WITHIN_MS, subject: MARKET_CURRENT, body: { version: 1 }, why: 'ask for the market again', read: readSnapshot });
    return asked.ok ? { ok: true, snapshot: asked.value } : { ok: false, code: asked.code, detail: asked.detail };
  },
});
