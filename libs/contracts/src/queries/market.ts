import type { MarketSnapshot } from '@tallystick/ports';
import { z } from 'zod';
import { decimalText, mode, timeMs } from '../events/fields.ts';
import { shapeOf } from '../events/definition.ts';
import { count, name, version } from './fields.ts';

export const QuoteV1 = z
  .object({
    symbol: z.string(),
    bid: decimalText.optional(),
    bid_size: decimalText.optional(),
    ask: decimalText.optional(),
    ask_size: decimalText.optional(),
    last: decimalText.optional(),
    time_ms: timeMs,
    sequence: count,
    source: z.string(),
  })
  .meta({ id: 'QuoteV1' });

/** The market port's snapshot, as it is. */
export const MarketSnapshotV1 = shapeOf<MarketSnapshot>()(
  z
    .object({ sequence: count, time_ms: timeMs, source: z.string(), quotes: z.array(QuoteV1) })
    .meta({ id: 'MarketSnapshotV1', description: 'All of the market at one step. Times are business time, UTC.' }),
);
export type MarketSnapshotV1 = z.infer<typeof MarketSnapshotV1>;

/** Lockstep: one strategy instance takes its turn on this step of the market. */
export const TurnRequestV1 = z
  .object({
    version,
    turn: count,
    time_ms: timeMs,
    market_sequence: count,
    /** The log position the turn may rely on; absent before the first event. */
    position: z.string().optional(),
    snapshot: MarketSnapshotV1,
  })
  .meta({ id: 'TurnRequestV1' });
export type TurnRequestV1 = z.infer<typeof TurnRequestV1>;

/** Ends the turn; the next one starts when all these intents rest at the venue or are closed. */
export const TurnReplyV1 = z.object({ version, turn: count, intent_keys: z.array(z.string()) }).meta({ id: 'TurnReplyV1' });
export type TurnReplyV1 = z.infer<typeof TurnReplyV1>;

export const HeartbeatV1 = z
  .object({
    version,
    instance_id: name,
    run_id: z.string().min(1).max(128),
    strategy: z.object({ id: name, version: z.string().max(64) }),
    account: name,
    mode,
    /** Process time, UTC. */
    time_ms: timeMs,
    status: z.enum(['starting', 'running', 'stopping']),
    turn_every_ms: z.int().min(1).optional().describe('Business time between turns it wants, ms; absent when it takes none.'),
  })
  .meta({ id: 'HeartbeatV1' });
export type HeartbeatV1 = z.infer<typeof HeartbeatV1>;

/** To one strategy instance: finish and leave. After `deadline_ms` (process time, UTC) it is ended. */
export const ControlV1 = z
  .object({ version, command: z.literal('stop'), reason: z.string().max(256), deadline_ms: timeMs })
  .meta({ id: 'ControlV1' });
export type ControlV1 = z.infer<typeof ControlV1>;
