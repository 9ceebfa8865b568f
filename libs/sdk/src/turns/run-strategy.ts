import { TurnRequestV1, turnSubject } from '@tallystick/contracts';
import type { JsonValue, MarketSnapshot } from '@tallystick/ports';
import { intervalMs } from '../business-time.ts';
import { connectTally, internalsOf, type Tally } from '../tally.ts';
import { TurnQueue } from './turn-queue.ts';

/** One turn. Times are business time, UTC. */
export interface Turn {
  readonly number: number;
  readonly timeMs: number;
  /** Start of the interval the turn stands for: what keys are made of. */
  readonly slotMs: number;
  readonly marketSequence: number;
  /** Log position the turn may rely on; absent before the first event and where nobody says. */
  readonly position?: string;
  readonly snapshot: MarketSnapshot;
}

/**
 * The connection as a turn sees it: intents carry the turn's market step unless they name one, and questions are asked as of the
 * turn's log position unless they say otherwise. So a turn that is taken again sees what it saw, and gives the same keys.
 */
export type TurnTally = Tally;

export interface StrategyDefinition {
  /** Business time between turns: ms, or `30s`, `1m`, `2h`. At most one turn is taken per interval, counted from 1970 UTC. */
  readonly every: string | number;
  /**
   * Takes a turn: strictly one at a time. Whatever it does must follow from the turn and from what earlier turns showed, never from
   * the machine's clock or chance. It is called again for the same turn when it threw or a proposal stayed unanswered.
   */
  onTurn(turn: Turn, tally: TurnTally): Promise<void> | void;
  /** Default: connects with options from the environment. */
  readonly tally?: Tally;
}

export interface StrategyRun {
  readonly tally: Tally;
  /** Takes no more turns, finishes the one in hand (at most 3 s, then its proposals are given up), disconnects. */
  stop(): Promise<void>;
  /** Resolves when it has stopped, by `stop` or because a control message said so. */
  readonly ended: Promise<void>;
}

/** Below the supervisor's grace before it kills. */
const FINISH_MS_MAX = 3_000;

const turnOf = (request: TurnRequestV1, slotMs: number): Turn => ({
  number: request.turn, timeMs: request.time_ms, slotMs, marketSequence: request.market_sequence, snapshot: request.snapshot,
  ...(request.position === undefined ? {} : { position: request.position }),
});

/** Collects what a turn got accepted, and fails the turn when it cannot be known what became of a proposal. */
const takeTurn = async (tally: Tally, turn: Turn, onTurn: StrategyDefinition['onTurn'], signal: AbortSignal): Promise<readonly string[]> => {
  const keys = new Set<string>();
  const unanswered: string[] = [];
  const at = turn.position === undefined ? {} : { asOf: turn.position, minPosition: turn.position };
  const seen: TurnTally = {
    ...tally,
    propose: async (input, options = {}) => {
      const proposal = await tally.propose({ market_sequence: turn.marketSequence, ...input }, { ...options, signal: options.signal ? AbortSignal.any([options.signal, signal]) : signal });
      if (proposal.status === 'accepted') keys.add(proposal.intentKey);
      if (proposal.status === 'unanswered') unanswered.push(`${proposal.intentKey}: ${proposal.lastCode}`);
      return proposal;
    },
    preview: (input, options) => tally.preview({ market_sequence: turn.marketSequence, ...input }, options),
    positions: (question) => tally.positions({ ...at, ...question }),
    orders: (question) => tally.orders({ ...at, ...question }),
    accountState: (question) => tally.accountState({ ...at, ...question }),
  };
  await onTurn(turn, seen);
  if (unanswered.length > 0) throw new Error(`PROPOSAL_UNANSWERED: ${unanswered.join(', ')}`);
  return [...keys];
};

/**
 * Takes turns until it is stopped. A conductor that keeps the market in lockstep asks for each turn and waits; one that does not
 * announces it and goes on: the strategy cannot tell and need not. Throws `INTERVAL_INVALID`, and what `connectTally` throws.
 */
export const runStrategy = async (definition: StrategyDefinition): Promise<StrategyRun> => {
  const everyMs = intervalMs(definition.every);
  const tally = definition.tally ?? (await connectTally());
  const { wire, presence, log } = internalsOf(tally);
  const tooLate = new AbortController();
  const queue = new TurnQueue(everyMs, (request, slotMs) => takeTurn(tally, turnOf(request, slotMs), (turn, seen) => definition.onTurn(turn, seen), tooLate.signal), log);
  const subject = turnSubject(tally.instanceId);
  const read = (body: JsonValue): TurnRequestV1 | undefined => {
    const request = TurnRequestV1.safeParse(body);
    if (!request.success) log.write('warn', 'sdk.turn_unreadable');
    return request.data;
  };

  const stopListening = wire.listen(subject, (body) => {
    const request = read(body);
    if (request) queue.announced(request);
  });
  const responder = wire.serve(subject, tally.instanceId, async (body) => {
    const request = read(body);
    if (!request) return { ok: false, code: 'TURN_UNREADABLE', detail: 'not a turn', retryable: false };
    return queue.asked(request);
  });
  presence.running(everyMs);

  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const finish = async (): Promise<void> => {
    stopListening();
    const timer = setTimeout(() => tooLate.abort(), FINISH_MS_MAX);
    await queue.stop();
    clearTimeout(timer);
    await responder.stop();
    await tally.close();
  };
  presence.onStop(() => {
    finish()
      .catch((error: unknown) => log.write('error', 'sdk.stop_failed', { error }))
      .finally(end);
  });
  return {
    tally,
    ended,
    stop: () => {
      presence.stop({ reason: 'stopped by itself' });
      return ended;
    },
  };
};
