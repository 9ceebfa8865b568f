import type { BatchAnswer } from '../wire/append-response.ts';
import type { AttemptResult } from './job.ts';

// Error details a server uses when it will not write this append, now or later.
const REFUSED = new Set(['AccessDenied', 'StreamDeleted', 'MaximumAppendSizeExceeded', 'MaximumAppendEventSizeExceeded', 'BadRequest', 'InvalidTransaction']);
// Sent without a code, instead of handing the append to the writer.
const NOT_TAKEN = ['Server Is Not Ready', 'Server Is Busy', 'No leader info available in response'];
const REFUSED_STATUS = new Set([3, 7, 9, 11, 12, 16]);

/** What a batch answer means for the attempt it answers. A written append without a position gives `undefined`: look it up. */
export function resultOf(answer: BatchAnswer): AttemptResult | undefined {
  if (answer.kind === 'wrong_revision') {
    return { kind: 'final', outcome: { ok: false, code: 'WRONG_EXPECTED_REVISION', actual: answer.actual } };
  }
  if (answer.kind === 'written') {
    const { revision, position } = answer;
    if (revision === undefined || position === undefined) return undefined;
    return { kind: 'final', outcome: { ok: true, revision, position } };
  }
  const detail = [answer.type, answer.message].filter((part) => part !== '').join(': ');
  if (REFUSED.has(answer.type) || (answer.type === '' && REFUSED_STATUS.has(answer.status))) {
    return { kind: 'final', outcome: { ok: false, code: 'STORE_REFUSED', detail } };
  }
  if (NOT_TAKEN.includes(answer.message)) return { kind: 'not_written', detail };
  // Timeout, Unknown and what newer servers may add.
  return { kind: 'unknown', detail: detail === '' ? `status ${answer.status}` : detail };
}
