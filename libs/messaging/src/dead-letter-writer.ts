import { headers as natsHeaders } from 'nats';
import type { JsMsg } from 'nats';
import type { BusConnection } from './connection.ts';
import { internalsOf } from './connection.ts';
import { MESSAGE_ID, headerText } from './headers.ts';
import { deadLetterSubject } from './names.ts';
import { publisherOf } from './publisher.ts';

/** Headers that a dead letter has beyond those of its command. */
export const DEAD_LETTER_HEADERS = {
  stream: 'tally-dlq-stream',
  sequence: 'tally-dlq-sequence',
  subject: 'tally-dlq-subject',
  code: 'tally-dlq-code',
  detail: 'tally-dlq-detail',
  deliveries: 'tally-dlq-deliveries',
  messageId: 'tally-dlq-message-id',
} as const;

export interface Verdict {
  readonly code: string;
  readonly detail: string;
}

// A reason is for a person to read in a list; the log has the rest.
const DETAIL_CHARS_MAX = 500;
const CODE_CHARS_MAX = 64;
// Headers the server gives a meaning to must not be carried over: they would act on the dead-letter stream.
const SERVER_HEADER = /^nats-/i;

/**
 * Stores a copy of the message, with the verdict, among the dead letters of its service. True when it is stored; only then
 * may the message be acknowledged. The copy's id is that of the message's place, so that a repeat adds no second copy.
 */
export const writeDeadLetter = async (connection: BusConnection, service: string, message: JsMsg, verdict: Verdict): Promise<boolean> => {
  const { log, metrics } = internalsOf(connection);
  const { info } = message;
  const carried = natsHeaders();
  for (const [name, values] of message.headers ?? []) {
    if (!SERVER_HEADER.test(name)) for (const value of values) carried.append(name, value);
  }
  const code = headerText(verdict.code, CODE_CHARS_MAX) || 'UNKNOWN';
  const stated = {
    [DEAD_LETTER_HEADERS.stream]: info.stream,
    [DEAD_LETTER_HEADERS.sequence]: String(info.streamSequence),
    [DEAD_LETTER_HEADERS.subject]: message.subject,
    [DEAD_LETTER_HEADERS.code]: code,
    [DEAD_LETTER_HEADERS.detail]: headerText(verdict.detail, DETAIL_CHARS_MAX),
    [DEAD_LETTER_HEADERS.deliveries]: String(info.deliveryCount),
    [DEAD_LETTER_HEADERS.messageId]: headerText(message.headers?.get(MESSAGE_ID) ?? '', DETAIL_CHARS_MAX),
  };
  for (const [name, value] of Object.entries(stated)) carried.set(name, value);
  // The time stands for the stream's life: sequences start again after a wipe, and would then look like repeats.
  const place = `${info.stream}:${info.streamSequence}:${info.timestampNanos}`;
  const outcome = await publisherOf(connection).publish(deadLetterSubject(service), message.data, place, carried);
  if (!outcome.ok) {
    log.write('error', 'dead_letter.not_stored', { service, sequence: info.streamSequence, code, failure: outcome.code, detail: outcome.detail });
    return false;
  }
  if (!outcome.duplicate) metrics.count('tally_dead_letters_total', { service, code });
  log.write('error', 'dead_letter.stored', { service, subject: message.subject, sequence: info.streamSequence, code, detail: verdict.detail });
  return true;
};
