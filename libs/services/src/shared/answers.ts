import type { JsonObject, RawReport, SendOutcome, Venue, VenueReport } from '@tallystick/ports';

/** An answer that says what the venue did: it acted, or it surely did not. */
export type Answered = Extract<SendOutcome, { kind: 'confirmed' | 'refused_by_venue' }>;

/**
 * The raw report an answer is recorded as. A refusal is wrapped, since a venue's error body seldom names the order it is about.
 * `timeMs`: business time, UTC.
 */
export const answerReport = (account: string, clientOrderId: string, answered: Answered, timeMs: number): RawReport => ({
  report_id: `answer-${clientOrderId}`, account, channel: 'answer',
  body: answered.kind === 'confirmed' ? answered.raw
    : { refused_by_venue: true, client_order_id: clientOrderId, code: answered.code, detail: answered.detail, time_ms: timeMs, answer: answered.raw },
});

const text = (value: JsonObject[string] | undefined): string => (typeof value === 'string' ? value : '');

/** What a recorded raw report says; a wrapped refusal of a cancel is a rejected cancel, of an order a rejected order. */
export const interpretRecorded = (venue: Venue, report: RawReport, isCancel: (clientOrderId: string) => boolean): readonly VenueReport[] => {
  const { body } = report;
  if (report.channel !== 'answer' || body['refused_by_venue'] !== true) return venue.interpret(report);
  const clientOrderId = text(body['client_order_id']);
  const said = { client_order_id: clientOrderId, code: text(body['code']), detail: text(body['detail']), time_ms: Number(body['time_ms'] ?? 0) };
  return [{ kind: isCancel(clientOrderId) ? 'cancel_rejected' : 'rejected', ...said }];
};
