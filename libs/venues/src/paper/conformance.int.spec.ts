import { rmSync } from 'node:fs';
import { describe, it } from '@jest/globals';
import { venueConformance } from '../conformance-cases.ts';
import type { ConformanceVenue } from '../conformance.ts';
import { paperVenue } from './adapter.ts';
import { OPEN_MS } from './engine/testing.ts';
import { call, CONTROL, pushedFeed, startTestVenue, temporaryFolder, TOKEN } from './server/testing.ts';

const subjectOf = async (dedupe: 'none' | 'permanent'): Promise<ConformanceVenue> => {
  const dataDir = temporaryFolder();
  const { feed, push } = pushedFeed(OPEN_MS);
  const running = await startTestVenue({ feed, dataDir, dedupe });
  return {
    venue: paperVenue({ baseUrl: `http://127.0.0.1:${running.port}`, token: TOKEN, dedupe }),
    unreachable: paperVenue({ baseUrl: 'http://127.0.0.1:1', token: TOKEN }),
    account: 'acc', symbol: 'AAA',
    quote: async (bid, ask) => {
      push({ bid, ask });
      await call(running.port, 'POST', '/control/step', { token: CONTROL, body: { steps: 2 } });
    },
    stop: async () => {
      await running.close();
      rmSync(dataDir, { recursive: true });
    },
  };
};

describe.each(['none', 'permanent'] as const)('the paper venue, deduplicating %s, conforms', (dedupe) => {
  it.each(venueConformance.map((each) => [each.id, each.title, each] as const))('%s %s', async (_id, _title, { run }) => {
    const subject = await subjectOf(dedupe);
    try {
      await run(subject);
    } finally {
      await subject.stop();
    }
  });
});
