import type { RecordedEvent } from '@tallystick/ports';
import { followLog } from './follow-log.ts';
import type { Target } from './target.ts';

/**
 * What the bare relay does, hop for hop what the product does for an order that is filled at once. It forwards bytes of the sizes
 * that the product writes, in as many appends to as many streams, and decides nothing.
 */
export const RELAY_STEPS = ['intent', 'decided', 'approved', 'claimed', 'answer', 'report', 'acknowledged', 'filled', 'traded'] as const;
export type RelayStep = (typeof RELAY_STEPS)[number];
/** Bytes of data and metadata of the event of each step. */
export type RelayBytes = Readonly<Record<RelayStep, number>>;

export const RELAY_SERVICE = 'relay';
export const RELAY_LANES = ['evaluate', 'submit'] as const;
export const RELAY_SUBJECT = 'bench.relay';
export const STREAM = { intent: 'relayIntent-', order: 'relayOrder-', group: 'relayGroup-', report: 'relayReport-' } as const;
export const TRADED = 'traded';

/** Which event of the product each step is the counterpart of: its size is measured there. */
const COUNTERPART: Readonly<Record<RelayStep, (event: RecordedEvent) => boolean>> = {
  intent: ({ type }) => type === 'IntentAccepted',
  decided: ({ type }) => type === 'OrderDecided',
  approved: ({ type }) => type === 'OrderApproved',
  claimed: ({ type }) => type === 'SubmissionClaimed',
  answer: ({ type, data }) => type === 'VenueReportReceived' && data['channel'] === 'answer',
  report: ({ type, data }) => type === 'VenueReportReceived' && data['channel'] === 'stream',
  acknowledged: ({ type }) => type === 'OrderAcknowledged',
  filled: ({ type }) => type === 'OrderFilled',
  traded: ({ type }) => type === 'TradeApplied',
};

export const measureRelayBytes = (events: readonly RecordedEvent[]): RelayBytes => Object.fromEntries(RELAY_STEPS.map((step) => {
  const sizes = events.filter(COUNTERPART[step]).map(({ data, metadata }) => JSON.stringify(data).length + JSON.stringify(metadata).length);
  if (sizes.length === 0) throw new Error(`the product wrote nothing that a relay's "${step}" could stand for`);
  return [step, Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length)];
})) as RelayBytes;

/** Bytes of a request to the product: the relay's are as long. */
export const relayTarget = (run: string, requestBytes: number): Target => ({
  name: 'relay',
  subject: RELAY_SUBJECT,
  request: (n) => {
    const order_id = `${run}${n}`;
    return { order_id, pad: 'x'.repeat(Math.max(0, requestBytes - order_id.length - 30)) };
  },
  orderIdOf: (answer) => {
    const { order_id } = (answer ?? {}) as { readonly order_id?: string };
    if (order_id === undefined) throw new Error(`the relay did not answer: ${JSON.stringify(answer)?.slice(0, 200)}`);
    return order_id;
  },
  // The trade, and the two reports of the venue's stream.
  follow: followLog([STREAM.order, STREAM.group, STREAM.report], ({ type, data }) => (type === TRADED || type === 'report' ? String(data['order_id']) : undefined)),
  marks: 3,
});
