import type { Bus, JsonValue } from '@tallystick/ports';
import type { BusConnection } from './connection.ts';
import { internalsOf } from './connection.ts';
import { contextHeaders, isHeaderSafe } from './headers.ts';
import { readJson, writeJson } from './json.ts';
import { isPublishSubject } from './names.ts';
import { publisherOf } from './publisher.ts';

/**
 * The bus port over one connection. `send` goes to a work queue and reports what the stream said, `announce` and `request`
 * are core NATS. Trace and correlation ids travel in headers, from the current context or the message's envelope.
 */
export const createBus = (connection: BusConnection): Bus => {
  const { nc, log, metrics } = internalsOf(connection);
  const publisher = publisherOf(connection);

  return {
    send: async (subject, message, messageId) => {
      if (!isHeaderSafe(messageId)) return { ok: false, detail: 'BAD_MESSAGE_ID: printable characters without spaces, at most 200' };
      const outcome = await publisher.publish(subject, writeJson(message), messageId, contextHeaders(message));
      if (outcome.ok) return outcome.duplicate ? { ok: true, detail: 'duplicate' } : { ok: true };
      metrics.count('tally_bus_publish_failures_total', { code: outcome.code });
      log.write('warn', 'bus.send_failed', { subject, message_id: messageId, code: outcome.code, detail: outcome.detail });
      return { ok: false, detail: `${outcome.code}: ${outcome.detail}` };
    },

    announce: (subject, message) => {
      if (!isPublishSubject(subject)) throw new Error(`BAD_SUBJECT: ${JSON.stringify(subject.slice(0, 120))}`);
      // Lossy by contract: while disconnected there is nobody to hear it, and a buffer would only deliver it stale.
      if (!connection.isConnected()) return;
      try {
        nc.publish(subject, writeJson(message), { headers: contextHeaders(message) });
      } catch (error) {
        log.write('warn', 'bus.announce_failed', { subject, error });
      }
    },

    request: async (subject, message, timeoutMs) => {
      if (!isPublishSubject(subject)) throw new Error(`BAD_SUBJECT: ${JSON.stringify(subject.slice(0, 120))}`);
      if (!connection.isConnected()) return undefined;
      let data: Uint8Array;
      try {
        ({ data } = await nc.request(subject, writeJson(message), { timeout: timeoutMs, headers: contextHeaders(message) }));
      } catch (error) {
        // Nobody there, too late, disconnected, not permitted: to the caller all are "no answer"; the log tells them apart.
        log.write('debug', 'bus.no_answer', { subject, error });
        return undefined;
      }
      const answer = readJson(data);
      if (answer.ok) return answer.value satisfies JsonValue;
      log.write('warn', 'bus.answer_unreadable', { subject, code: answer.code });
      return undefined;
    },
  };
};
