import { jsonEvent } from '@eventstore/db-client';
import type { AppendResult } from '@eventstore/db-client';
import type { AppendOutcome, JsonValue } from '@tallystick/ports';
import { faultOf } from '../faults.ts';
import { METRIC } from '../metrics.ts';
import type { AppenderOptions } from './batch.ts';
import type { AttemptResult, Job } from './job.ts';
import { settleFinal, unsettled } from './job.ts';

const PAUSE_FIRST_MS = 20;
const PAUSE_MAX_MS = 500;
// The client's own deadline should end the call; this is for the case that it does not.
const GRACE_MS = 250;

/** The stock client's unary append: one call per append, dearer for both sides, the reference the batch path is tested against. */
export class UnaryAppender {
  private readonly options: AppenderOptions;
  private readonly stopping = new AbortController();

  constructor(options: AppenderOptions) {
    this.options = options;
  }

  append(job: Job): void {
    // Nothing in it rejects: each attempt turns its errors into a result.
    void this.run(job);
  }

  close(): void {
    this.stopping.abort();
  }

  private async run(job: Job): Promise<void> {
    const { ports, connector, metrics, deadlineMs, connectWaitMs } = this.options;
    const leftMs = (): number => job.deadlineAtMs - ports.clock.monotonicMs();
    let pauseMs = PAUSE_FIRST_MS;
    let detail = `no answer within ${deadlineMs} ms`;
    while (leftMs() > 0 && !this.stopping.signal.aborted) {
      const waitMs = job.maybeWritten ? leftMs() : Math.min(leftMs(), connectWaitMs);
      const wire = await connector.ready(waitMs);
      if (wire === undefined) {
        job.settle(unsettled(job, connector.whyNot()));
        return;
      }
      // Half the deadline leaves time for a second attempt on a connection that works.
      const result = await this.attempt(job, Math.max(1, Math.min(leftMs(), deadlineMs / 2)));
      if (result.kind === 'final') {
        settleFinal(job, result.outcome);
        return;
      }
      if (result.kind === 'unknown') job.maybeWritten = true;
      ({ detail } = result);
      metrics?.count(METRIC.appendRetries, { why: result.kind });
      if (result.kind === 'unknown' && result.silent) await connector.discard(wire, 'an append got no answer');
      await ports.timers.sleep(Math.min(pauseMs, Math.max(0, leftMs())), 'store.append_retry', this.stopping.signal);
      pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
    }
    job.settle(unsettled(job, detail));
  }

  private async attempt(job: Job, withinMs: number): Promise<AttemptResult & { readonly silent?: boolean }> {
    job.attempts += 1;
    const { client, ports } = this.options;
    const answered = new AbortController();
    try {
      const events = job.events.map(({ id, type, data, metadata }) => jsonEvent({ id, type, data: data as Record<string, JsonValue>, metadata }));
      const call = client.appendToStream(job.stream, events, {
        expectedRevision: job.expected === 'no_stream' ? 'no_stream' : BigInt(job.expected),
        deadline: withinMs,
      });
      // Once the race is lost nobody looks at it any more.
      call.catch(() => undefined);
      const result = await Promise.race([call, ports.timers.sleep(withinMs + GRACE_MS, 'store.append', answered.signal).then(() => undefined)]);
      if (result === undefined) return { kind: 'unknown', detail: `no answer within ${withinMs} ms`, silent: true };
      return await this.accept(job, result);
    } catch (error) {
      return resultOfError(error);
    } finally {
      answered.abort();
    }
  }

  private async accept(job: Job, result: AppendResult): Promise<AttemptResult> {
    const { nextExpectedRevision, position } = result;
    if (!result.success) return { kind: 'final', outcome: wrongRevision(nextExpectedRevision) };
    const revision = Number(nextExpectedRevision);
    if (position !== undefined) return { kind: 'final', outcome: { ok: true, revision, position: position.commit } };
    const read = await this.options.lookUp(job.stream, revision);
    const found = read.ok ? read.events[0] : undefined;
    if (found !== undefined) return { kind: 'final', outcome: { ok: true, revision, position: found.position } };
    return { kind: 'unknown', detail: 'the store answered without a position and the event could not be read' };
  }
}

// The client reports "no stream" as -1 when it is told not to throw.
function wrongRevision(actual: bigint): AppendOutcome {
  return { ok: false, code: 'WRONG_EXPECTED_REVISION', actual: actual < 0n ? 'no_stream' : Number(actual) };
}

function resultOfError(error: unknown): AttemptResult & { readonly silent?: boolean } {
  const fault = faultOf(error);
  if (fault.key === 'wrong-expected-version') {
    const actual: unknown = (error as { readonly actualVersion?: unknown }).actualVersion;
    return { kind: 'final', outcome: wrongRevision(typeof actual === 'bigint' ? actual : -1n) };
  }
  if (fault.kind === 'refused') return { kind: 'final', outcome: { ok: false, code: 'STORE_REFUSED', detail: fault.detail } };
  if (fault.kind === 'not_leader') return { kind: 'not_written', detail: fault.detail };
  return { kind: 'unknown', detail: fault.detail, silent: fault.key === 'deadline-exceeded' || fault.key === 'DEADLINE_EXCEEDED' };
}
