import type { HandlerOutcome, JsonValue } from '@tallystick/ports';
import type { WorkContext } from '@tallystick/platform';

/** A command as it came off its queue. */
export interface Command {
  readonly subject: string;
  readonly service: string;
  readonly partition: number;
  /** The lane: last token of the subject. */
  readonly command: string;
  readonly body: JsonValue;
  /** What it was published with; unique per message. Empty when the publisher gave none. */
  readonly messageId: string;
  /** Place in its stream; starts again when a stream is wiped. */
  readonly sequence: number;
  /** 1 on the first delivery. */
  readonly delivery: number;
  /** When the stream stored it, process time of the server, UTC. */
  readonly storedAtMs: number;
  readonly context: WorkContext;
}

export interface HandlerContext {
  /** Aborts when the consumer stops: a handler that waits had better give up with `retry`. */
  readonly signal: AbortSignal;
  /** 1 for the first try of this delivery; tries in place count up. */
  readonly attempt: number;
}

/**
 * Does the work of a command and says how it ended. Idempotent: the bus repeats commands, acknowledged ones too. A rejection
 * is a programmer error: logged, tried again on later deliveries, and after the third moved to the dead letters.
 */
export type HandleCommand = (command: Command, context: HandlerContext) => Promise<HandlerOutcome>;

export interface RetryPolicy {
  /** Tries in place, the first included, before the command is given back. */
  readonly attemptsMax: number;
  /** Wait before the second try; doubles each time. */
  readonly firstDelayMs: number;
  readonly delayMsMax: number;
  /** How long a command that was given back stays away; its successors of the same key stay away with it. */
  readonly giveBackMs: number;
  /** Deliveries after which a handler that throws has had its chances. */
  readonly crashDeliveriesMax: number;
  /** How long a command whose handler threw stays away. */
  readonly crashDelayMs: number;
}

/** Six tries within about three seconds ride out a restart of the store; then others get their turn for five. */
export const defaultRetry: RetryPolicy = {
  attemptsMax: 6,
  firstDelayMs: 100,
  delayMsMax: 2_000,
  giveBackMs: 5_000,
  crashDeliveriesMax: 3,
  crashDelayMs: 1_000,
};
