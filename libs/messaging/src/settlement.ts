import { inSpan, runInContext } from '@tallystick/platform';
import type { HandlerOutcome, Metrics, Ports } from '@tallystick/ports';
import type { Command, HandleCommand, RetryPolicy } from './command.ts';

/** What is to be done with the message. */
export type Settlement =
  | { readonly kind: 'ack' }
  | { readonly kind: 'dead_letter'; readonly code: string; readonly detail: string }
  | { readonly kind: 'give_back'; readonly delayMs: number };

export interface Attempts {
  readonly handler: HandleCommand;
  readonly retry: RetryPolicy;
  readonly ports: Ports;
  readonly metrics: Metrics;
  /** Aborts when the consumer stops. */
  readonly stopping: AbortSignal;
  readonly onCrash: (command: Command, error: unknown) => void;
  readonly onRetry: (command: Command, attempt: number, outcome: { readonly code: string; readonly detail: string }) => void;
}

const GIVE_BACK_AT_ONCE: Settlement = { kind: 'give_back', delayMs: 0 };

const isOutcome = (value: unknown): value is HandlerOutcome =>
  typeof value === 'object' && value !== null && 'kind' in value && (value.kind === 'done' || value.kind === 'retry' || value.kind === 'poison');

const attempt = async (command: Command, number: number, { handler, stopping }: Attempts): Promise<HandlerOutcome> => {
  const outcome: unknown = await handler(command, { signal: stopping, attempt: number });
  if (!isOutcome(outcome)) throw new Error(`the handler of ${command.service}.${command.command} returned no outcome`);
  return outcome;
};

const crashed = (command: Command, error: unknown, { retry, onCrash }: Attempts): Settlement => {
  onCrash(command, error);
  if (command.delivery < retry.crashDeliveriesMax) return { kind: 'give_back', delayMs: retry.crashDelayMs };
  // The message may quote data; its name and place are for the log.
  const detail = error instanceof Error ? error.name : typeof error;
  return { kind: 'dead_letter', code: 'HANDLER_CRASHED', detail: `${detail} on delivery ${command.delivery}` };
};

const decide = async (command: Command, attempts: Attempts): Promise<Settlement> => {
  const { retry, ports, stopping, onRetry } = attempts;
  try {
    for (let number = 1; ; number += 1) {
      const outcome = await attempt(command, number, attempts);
      if (outcome.kind === 'done') return { kind: 'ack' };
      if (outcome.kind === 'poison') return { kind: 'dead_letter', code: outcome.code, detail: outcome.detail };
      onRetry(command, number, outcome);
      if (stopping.aborted) return GIVE_BACK_AT_ONCE;
      if (number >= retry.attemptsMax) return { kind: 'give_back', delayMs: retry.giveBackMs };
      await ports.timers.sleep(Math.min(retry.firstDelayMs * 2 ** (number - 1), retry.delayMsMax), 'command.retry', stopping);
      if (stopping.aborted) return GIVE_BACK_AT_ONCE;
    }
  } catch (error) {
    return crashed(command, error, attempts);
  }
};

/**
 * Runs the handler until its command is settled: done is acknowledged; retry is tried again in place and then given back;
 * poison goes to the dead letters, as does a handler that still throws on its last chance. Never rejects.
 */
export const settle = async (command: Command, attempts: Attempts): Promise<Settlement> => {
  const { service, command: name, context } = command;
  const startedMs = attempts.ports.clock.monotonicMs();
  const own = command.messageId === '' ? {} : { causation_id: command.messageId };
  const settlement = await runInContext({ ...context, ...own }, () =>
    inSpan(`command ${service}.${name}`, { partition: command.partition, delivery: command.delivery }, context.traceparent, async (span) => {
      const result = await decide(command, attempts);
      if (result.kind === 'dead_letter') span.fail(result.code);
      if (result.kind === 'give_back') span.fail('GIVEN_BACK');
      return result;
    }),
  );
  attempts.metrics.observeMs('tally_command_duration_ms', attempts.ports.clock.monotonicMs() - startedMs, { service, command: name });
  attempts.metrics.count('tally_commands_total', { service, command: name, outcome: settlement.kind });
  return settlement;
};
