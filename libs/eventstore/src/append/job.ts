import type { AppendOutcome, ExpectedRevision, NewEvent } from '@tallystick/ports';

/** One append on its way, over as many attempts as its deadline allows. */
export interface Job {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly NewEvent[];
  /** Monotonic ms. */
  readonly queuedAtMs: number;
  readonly deadlineAtMs: number;
  attempts: number;
  /** Some attempt may have reached the log without our hearing of it. From then on "nothing was written" cannot be said. */
  maybeWritten: boolean;
  readonly settle: (outcome: AppendOutcome) => void;
}

/** What one attempt came to, before the attempts made earlier are taken into account. */
export type AttemptResult =
  | { readonly kind: 'final'; readonly outcome: AppendOutcome }
  /** The server surely wrote nothing this time, and may do so next time. */
  | { readonly kind: 'not_written'; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Why an append must not be sent, or `undefined`. A real server ends the whole batch stream over some of these, which would
 * put every other append on it in doubt.
 */
export function refusalOf(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): string | undefined {
  if (stream === '' || !stream.isWellFormed()) return 'the stream name is empty or not well-formed text';
  if (expected !== 'no_stream' && (!Number.isSafeInteger(expected) || expected < 0)) return `the expected revision ${String(expected)} is not a revision`;
  if (events.length === 0) return 'there is nothing to append';
  for (const event of events) {
    if (!UUID.test(event.id)) return `the event id ${JSON.stringify(event.id)} is not a UUID`;
    if (event.type === '' || !event.type.isWellFormed()) return `the type of event ${event.id} is empty or not well-formed text`;
  }
  return undefined;
}

/** The outcome of a job whose time is up or whose connection closed for good. */
export function unsettled(job: Job, detail: string): AppendOutcome {
  return job.maybeWritten ? { ok: false, code: 'APPEND_OUTCOME_UNKNOWN', detail } : { ok: false, code: 'STORE_UNAVAILABLE', detail };
}

/**
 * Settles a job that got a final answer. A refusal after an attempt in doubt stays in doubt: the refusal speaks of the repeat.
 * A wrong revision does not: the store would have answered a repeat of what it holds with success.
 */
export function settleFinal(job: Job, outcome: AppendOutcome): void {
  if (!outcome.ok && outcome.code === 'STORE_REFUSED' && job.maybeWritten) {
    job.settle({ ok: false, code: 'APPEND_OUTCOME_UNKNOWN', detail: `an attempt got no answer, its repeat was refused: ${outcome.detail}` });
  } else job.settle(outcome);
}
