import { BusRefusalV1, ProblemV1 } from '@tallystick/contracts';
import type { JsonValue, Ports } from '@tallystick/ports';
import type { Wire } from './wire.ts';

export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** Process time after which it gives up, ms. */
  readonly withinMs?: number;
}

export type Reading<T> = { readonly kind: 'answer'; readonly value: T } | { readonly kind: 'again'; readonly code: string; readonly detail: string };

export type Asked<T> =
  | { readonly ok: true; readonly value: T; readonly attempts: number }
  /** Nobody gave an answer that counts; `code` and `detail` say what came last. */
  | { readonly ok: false; readonly code: string; readonly detail: string; readonly attempts: number };

/** Longer than an append under load takes; a lost reply costs this much before the question is repeated. */
const REQUEST_TIMEOUT_MS = 2_000;
/** A service that restarts is away for seconds: asking more often than every two only adds load. */
const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 2_000;

export interface Question<T> extends WaitOptions {
  readonly subject: string;
  readonly body: JsonValue;
  readonly why: string;
  readonly read: (answer: JsonValue) => Reading<T>;
}

const aborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

/** Resolves `undefined` as soon as the signal aborts, whatever becomes of the promise. */
export const unlessAborted = <T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> => {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const leave = (): void => resolve(undefined);
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
};

/** Sends the same body again, with backoff, until an answer counts, the time is up or the signal aborts. */
export const askUntil = async <T>(wire: Pick<Wire, 'bus'>, ports: Ports, question: Question<T>): Promise<Asked<T>> => {
  const { signal, withinMs = Number.POSITIVE_INFINITY } = question;
  const untilMs = ports.clock.monotonicMs() + withinMs;
  let last = { code: 'NO_ANSWER', detail: 'nobody answered' };
  for (let attempts = 1; ; attempts += 1) {
    const leftMs = untilMs - ports.clock.monotonicMs();
    if (aborted(signal)) return { ok: false, code: 'ABORTED', detail: `given up; before that: ${last.code}: ${last.detail}`, attempts: attempts - 1 };
    if (leftMs <= 0) return { ok: false, ...last, attempts: attempts - 1 };
    const answer = await unlessAborted(wire.bus.request(question.subject, question.body, Math.max(1, Math.min(REQUEST_TIMEOUT_MS, leftMs))), signal);
    if (answer !== undefined) {
      const reading = question.read(answer);
      if (reading.kind === 'answer') return { ok: true, value: reading.value, attempts };
      last = { code: reading.code, detail: reading.detail };
    }
    const waitMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(attempts - 1, 10), Math.max(0, untilMs - ports.clock.monotonicMs()));
    await ports.timers.sleep(waitMs, question.why, signal);
  }
};

export interface Refused {
  readonly code: string;
  readonly detail: string;
  /** Asking again can help. */
  readonly retryable: boolean;
}

/** What a responder says instead of an answer. */
export const refusalIn = (answer: JsonValue): Refused | undefined => {
  const refusal = BusRefusalV1.safeParse(answer);
  if (refusal.success) return refusal.data;
  const problem = ProblemV1.safeParse(answer);
  // 503 and 504: it cannot say now.
  return problem.success ? { code: problem.data.code, detail: problem.data.detail, retryable: problem.data.status === 503 || problem.data.status === 504 } : undefined;
};
