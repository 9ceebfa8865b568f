import type { JsonObject, Log, RawReport, Timers } from '@tallystick/ports';
import { messageOf } from '../errors.ts';
import { openEvents } from '../sse-client.ts';
import { asObject } from './classify.ts';

export interface ReportStreamOptions {
  readonly url: (afterSequence: number) => string;
  readonly headers: Readonly<Record<string, string>>;
  readonly account: string;
  readonly timers: Pick<Timers, 'sleep'>;
  readonly log: Log;
}

/** The venue sends a sign of life every two seconds. */
const SILENCE_MS = 8_000;
const BACKOFF_MS_MIN = 100;
/** A venue that is back is noticed within seconds. */
const BACKOFF_MS_MAX = 3_000;

const reportOf = (account: string, body: JsonObject | undefined): RawReport | undefined => {
  const sequence = body?.['sequence'];
  if (!body || typeof sequence !== 'number' || !Number.isSafeInteger(sequence)) return undefined;
  const id = body['report_id'];
  return { report_id: typeof id === 'string' ? id : `${account}-${sequence}`, sequence, account, channel: 'stream', body };
};

/**
 * Hands over an account's reports after `afterSequence`, in order, each once its predecessor has been handled. Whatever ends the
 * connection, a gap and a failing handler too, it begins again after the last report handled: nothing is skipped.
 */
export const followReports = (
  options: ReportStreamOptions, afterSequence: number, onReport: (report: RawReport) => Promise<void>,
): { stop(): Promise<void>; connected(): boolean } => {
  const { account, timers, log } = options;
  const stopping = new AbortController();
  let handled = afterSequence;
  let connected = false;
  let backoffMs = BACKOFF_MS_MIN;

  const follow = async (): Promise<void> => {
    // Of this connection only: ending one must not end what comes after.
    const connection = new AbortController();
    const leave = (): void => connection.abort();
    stopping.signal.addEventListener('abort', leave);
    try {
      const events = await openEvents(options.url(handled), { headers: options.headers, silenceMs: SILENCE_MS, signal: connection.signal });
      connected = true;
      for await (const event of events) {
        const report = reportOf(account, asObject(event.data));
        if (!report) throw new Error(`event ${event.id} is not a report`);
        if ((report.sequence ?? 0) <= handled) continue;
        if (report.sequence !== handled + 1) throw new Error(`report ${report.sequence ?? 0} after ${handled}`);
        if (stopping.signal.aborted) return;
        await onReport(report);
        handled = report.sequence;
        backoffMs = BACKOFF_MS_MIN;
      }
    } finally {
      connected = false;
      stopping.signal.removeEventListener('abort', leave);
      connection.abort();
    }
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await follow();
      } catch (error) {
        if (!stopping.signal.aborted) {
          log.write('warn', 'venue_reports_interrupted', { account, after: handled, detail: messageOf(error) });
        }
      }
      if (stopping.signal.aborted) return;
      await timers.sleep(backoffMs, 'venue report stream', stopping.signal);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
    }
  };

  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
    connected: () => connected,
  };
};
