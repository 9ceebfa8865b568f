import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '@tallystick/ports';
import { measureRelayBytes, RELAY_STEPS } from './relay-shape.ts';

const event = (type: string, data: RecordedEvent['data'] = {}): RecordedEvent => ({ id: 'x', type, data, metadata: {}, stream: 's', revision: 0, position: 0n, recordedAtMs: 0 });
const ALL = ['IntentAccepted', 'OrderDecided', 'OrderApproved', 'SubmissionClaimed', 'OrderAcknowledged', 'OrderFilled', 'TradeApplied'].map((type) => event(type));

describe('the sizes a relay copies', () => {
  it('are the mean of what the product wrote at each step, answers and stream reports apart', () => {
    const reports = [event('VenueReportReceived', { channel: 'answer', pad: 'xxxx' }), event('VenueReportReceived', { channel: 'stream', pad: 'x' }), event('VenueReportReceived', { channel: 'stream', pad: 'xxx' })];
    const sizes = measureRelayBytes([...ALL, ...reports]);
    expect(Object.keys(sizes)).toEqual([...RELAY_STEPS]);
    expect(sizes.answer - sizes.report).toBe(2);
  });

  it('cannot be measured where a step is missing: the relay would do less than the product', () => {
    expect(() => measureRelayBytes(ALL)).toThrow(/"answer"/);
  });
});
