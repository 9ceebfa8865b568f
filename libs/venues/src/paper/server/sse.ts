import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { PaperReport } from '../engine/index.ts';
import type { BookStore } from './book-store.ts';
import type { PaperVenue } from './venue.ts';

/** A silent connection is told from a dead one within a few of these. */
const HEARTBEAT_MS = 2_000;
/** Read from the store at once: a page is some 200 KB. */
const PAGE = 500;

const eventOf = (report: PaperReport): string => `id: ${report.sequence}\nevent: report\ndata: ${JSON.stringify(report)}\n\n`;

const waitFor = (emitter: ServerResponse, event: string): Promise<void> =>
  Promise.race([once(emitter, event), once(emitter, 'close')]).then(() => undefined, () => undefined);

/**
 * An account's reports after `after` as server-sent events, in order and without gaps, until the client leaves or `signal`
 * aborts. Reports come from the store, the venue only says that there are more: nothing is buffered per client.
 */
export const streamReports = async (
  response: ServerResponse,
  { venue, store, account, after, signal }: { venue: PaperVenue; store: BookStore; account: string; after: number; signal: AbortSignal },
): Promise<void> => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  response.write(': connected\nretry: 1000\n\n');
  let wake = (): void => undefined;
  const stopListening = venue.onReports((reports) => {
    if (reports.some((report) => report.account === account)) wake();
  });
  const heartbeat = setInterval(() => response.write(': alive\n\n'), HEARTBEAT_MS);
  const over = (): boolean => signal.aborted || response.destroyed || response.writableEnded;
  const onOver = (): void => wake();
  response.on('close', onOver);
  signal.addEventListener('abort', onOver);
  let sent = after;
  try {
    while (!over()) {
      const page = store.reportsAfter(account, sent, PAGE);
      for (const report of page) {
        sent = report.sequence;
        if (!response.write(eventOf(report)) && !over()) await waitFor(response, 'drain');
        if (over()) return;
      }
      if (page.length > 0) continue;
      // Between the read above and here nothing ran, so no report can have come unnoticed.
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stopListening();
    clearInterval(heartbeat);
    signal.removeEventListener('abort', onOver);
    response.end();
  }
};
