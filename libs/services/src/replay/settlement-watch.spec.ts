import { describe, expect, it } from '@jest/globals';
import { intentStream, venueReportStream } from '@tallystick/contracts';
import { intentAccepted, manualWorld, writer } from '../supervisor/spec-world.ts';
import { SettlementWatch } from './settlement-watch.ts';

const KEY = 'a'.repeat(64);

describe('the position that turns are taken at', () => {
  it('is never that of a raw report, which no view is folded from', async () => {
    const made = manualWorld();
    const write = writer(made);
    const watch = new SettlementWatch(made.store, new Map());
    await watch.start();
    await write(intentStream(KEY), intentAccepted(KEY, []));
    const ofIntent = watch.position();
    await write(venueReportStream('acc', '2024-01-02'), { type: 'VenueReportReceived', data: { report_id: 'again', venue: 'elsewhere', account: 'acc', channel: 'stream', sequence: 1, body: {} } });
    expect(watch.pending({ acc: 1 }, 0)).toBeUndefined();
    expect(ofIntent).toBeDefined();
    expect(watch.position()).toBe(ofIntent);
    await watch.stop();
  });
});
