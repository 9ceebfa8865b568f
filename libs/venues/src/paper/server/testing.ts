import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeedStep } from '../engine/index.ts';
import { config, stepOf } from '../engine/testing.ts';
import type { Market } from '../engine/testing.ts';
import { createBook } from '../engine/index.ts';
import { startPaperVenue } from './start.ts';
import type { Feed } from './feed.ts';
import type { PaperVenueOptions, RunningPaperVenue } from './start.ts';

export const TOKEN = 'token-of-acc';
export const OTHER_TOKEN = 'token-of-other';
export const CONTROL = 'token-of-control';

const descriptionOf = (fingerprint: string, last: number): Feed['description'] => ({
  source: 'test', simulated: true, days: ['1970-01-01'], start_ms: 0, end_ms: last, session: { name: 'always', calendar: 'ALWAYS', version: 'test', time_zone: 'UTC' }, instruments: config().instruments, fingerprint,
});

/** A market of these steps, `[time_ms, ...markets]` each. */
export const arrayFeed = (steps: readonly (readonly [number, ...Market[]])[], fingerprint = 'array'): Feed => {
  const empty = createBook(config());
  const made = steps.map(([time_ms, ...markets], index): FeedStep => stepOf({ ...empty, sequence: index }, time_ms, markets));
  return {
    description: descriptionOf(fingerprint, steps.at(-1)?.[0] ?? 0),
    steps: async function* () {
      for (const step of made) yield await Promise.resolve(step);
    },
  };
};

/** A market that says what it is told to. Its reader looks one step ahead: two steps bring what was pushed. */
export const pushedFeed = (startMs: number): { readonly feed: Feed; push(market: Market): void } => {
  const queue: Market[] = [];
  const empty = createBook(config());
  return {
    push: (market) => queue.push(market),
    feed: {
      description: descriptionOf('pushed', startMs),
      steps: async function* () {
        for (let sequence = 0; ; sequence += 1) {
          const market = queue.shift();
          yield await Promise.resolve(stepOf({ ...empty, sequence }, startMs + sequence * 1000, market ? [market] : []));
        }
      },
    },
  };
};

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'tally-venue-'));

export const startTestVenue = (options: Partial<PaperVenueOptions> & Pick<PaperVenueOptions, 'feed' | 'dataDir'>): Promise<RunningPaperVenue> =>
  startPaperVenue({
    port: 0, windowAt: config().windowAt, feePerShare: '0.01', controlToken: CONTROL,
    accounts: [{ account: 'acc', cash: '100000', token: TOKEN }, { account: 'other', cash: '50000', token: OTHER_TOKEN }],
    ...options,
  });

export interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export const call = async (port: number, method: string, path: string, { token = TOKEN, body }: { token?: string; body?: unknown } = {}): Promise<Reply> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method, headers: token === '' ? {} : { authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
