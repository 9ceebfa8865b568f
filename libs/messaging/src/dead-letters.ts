import { headers as natsHeaders } from 'nats';
import type { JetStreamManager, MsgRequest, StoredMsg } from 'nats';
import type { BusConnection } from './connection.ts';
import { internalsOf } from './connection.ts';
import { DEAD_LETTER_HEADERS } from './dead-letter-writer.ts';
import { apiErrorOf, managerOf } from './ensure-topology.ts';
import { DEAD_LETTER_STREAM, DEAD_LETTER_SUBJECTS, deadLetterSubject } from './names.ts';
import { publisherOf } from './publisher.ts';

/** A command that was set aside, and why. Snake case: it is shown and printed as it is. */
export interface DeadLetter {
  /** Its number among the dead letters. */
  readonly sequence: number;
  readonly service: string;
  readonly code: string;
  readonly detail: string;
  /** Where a redrive sends it. */
  readonly subject: string;
  readonly message_id: string;
  readonly deliveries: number;
  readonly from_stream: string;
  readonly from_sequence: number;
  /** UTC. */
  readonly stored_at_ms: number;
  readonly correlation_id?: string;
  /** As it was sent, whatever that was. */
  readonly body: string;
}

export interface RedriveResult {
  readonly sequence: number;
  readonly outcome:
    /** Back in its queue under a fresh id, and removed here. */
    | 'redriven'
    /** Back in its queue, but still here: removing it failed. A second redrive would repeat it, which handlers absorb. */
    | 'redriven_not_removed'
    | 'failed'
    | 'not_found';
  readonly message_id?: string;
  readonly detail?: string;
}

export interface DeadLetters {
  /** Oldest first, after `afterSequence`, at most `limit` (default 100, at most 1,000). Rejects with `BUS_UNAVAILABLE`. */
  list(filter?: { readonly service?: string; readonly limit?: number; readonly afterSequence?: number }): Promise<readonly DeadLetter[]>;
  show(sequence: number): Promise<DeadLetter | undefined>;
  /** Sends one back to its queue. */
  redrive(sequence: number): Promise<RedriveResult>;
  /** Sends back all that are there now, oldest first; stops at the first that fails. */
  redriveAll(filter?: { readonly service?: string }): Promise<readonly RedriveResult[]>;
}

const LIMIT = 100;
const LIMIT_MAX = 1_000;
const ERR_NO_MESSAGE = 10_037;
const OWN_HEADER = /^(nats-|tally-dlq-)/i;

const decode = (message: StoredMsg): DeadLetter => {
  const of = (name: string): string => message.header.get(name);
  const correlation = of('correlation_id');
  return {
    sequence: message.seq,
    service: message.subject.split('.')[2] ?? '',
    code: of(DEAD_LETTER_HEADERS.code),
    detail: of(DEAD_LETTER_HEADERS.detail),
    subject: of(DEAD_LETTER_HEADERS.subject),
    message_id: of(DEAD_LETTER_HEADERS.messageId),
    deliveries: Number(of(DEAD_LETTER_HEADERS.deliveries)),
    from_stream: of(DEAD_LETTER_HEADERS.stream),
    from_sequence: Number(of(DEAD_LETTER_HEADERS.sequence)),
    stored_at_ms: message.time.getTime(),
    ...(correlation === '' ? {} : { correlation_id: correlation }),
    body: Buffer.from(message.data).toString('utf8'),
  };
};

/** The first message at or after `sequence` whose subject matches, or `undefined`. */
const messageAt = async (manager: JetStreamManager, query: { readonly seq: number; readonly next_by_subj?: string }): Promise<StoredMsg | undefined> => {
  try {
    return await manager.streams.getMessage(DEAD_LETTER_STREAM, query satisfies MsgRequest);
  } catch (error) {
    if (apiErrorOf(error)?.err_code === ERR_NO_MESSAGE) return undefined;
    throw new Error(`BUS_UNAVAILABLE: ${apiErrorOf(error)?.description ?? String(error)}`, { cause: error });
  }
};

/** Dead letters of all services: list, look at, send back. */
export const deadLetters = (connection: BusConnection): DeadLetters => {
  const { ports, log } = internalsOf(connection);

  async function* messages(service: string | undefined, afterSequence: number): AsyncGenerator<StoredMsg> {
    const manager = await managerOf(connection);
    const subject = service === undefined ? DEAD_LETTER_SUBJECTS : deadLetterSubject(service);
    // What fails again while we go on comes back with a higher number; the end is fixed first so that this ends.
    const { last_seq: lastSequence } = (await manager.streams.info(DEAD_LETTER_STREAM)).state;
    for (let next = afterSequence + 1; next <= lastSequence; ) {
      const message = await messageAt(manager, { seq: next, next_by_subj: subject });
      if (message === undefined || message.seq > lastSequence) return;
      yield message;
      next = message.seq + 1;
    }
  }

  const sendBack = async (message: StoredMsg): Promise<RedriveResult> => {
    const letter = decode(message);
    const { sequence } = letter;
    const carried = natsHeaders();
    for (const [name, values] of message.header) if (!OWN_HEADER.test(name)) for (const value of values) carried.append(name, value);
    carried.set('tally-redriven-from', String(sequence));
    // Fresh: under its old id the stream would drop it as a repeat, silently, for as long as it remembers.
    const messageId = ports.ids.unique('redrive');
    const outcome = await publisherOf(connection).publish(letter.subject, message.data, messageId, carried);
    if (!outcome.ok) return { sequence, outcome: 'failed', detail: `${outcome.code}: ${outcome.detail}` };
    log.write('info', 'dead_letter.redriven', { sequence, subject: letter.subject, message_id: messageId });
    try {
      await (await managerOf(connection)).streams.deleteMessage(DEAD_LETTER_STREAM, sequence, false);
      return { sequence, outcome: 'redriven', message_id: messageId };
    } catch (error) {
      log.write('error', 'dead_letter.not_removed', { sequence, error });
      return { sequence, outcome: 'redriven_not_removed', message_id: messageId, detail: String(error) };
    }
  };

  const find = async (sequence: number): Promise<StoredMsg | undefined> => messageAt(await managerOf(connection), { seq: sequence });

  return {
    list: async ({ service, limit = LIMIT, afterSequence = 0 } = {}) => {
      const found: DeadLetter[] = [];
      for await (const message of messages(service, afterSequence)) {
        found.push(decode(message));
        if (found.length >= Math.min(limit, LIMIT_MAX)) break;
      }
      return found;
    },
    show: async (sequence) => {
      const message = await find(sequence);
      return message === undefined ? undefined : decode(message);
    },
    redrive: async (sequence) => {
      const message = await find(sequence);
      return message === undefined ? { sequence, outcome: 'not_found' } : sendBack(message);
    },
    redriveAll: async ({ service } = {}) => {
      const results: RedriveResult[] = [];
      for await (const message of messages(service, 0)) {
        const result = await sendBack(message);
        results.push(result);
        if (result.outcome === 'failed') break;
      }
      return results;
    },
  };
};
