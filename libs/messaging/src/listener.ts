import { runInContext } from '@tallystick/platform';
import type { WorkContext } from '@tallystick/platform';
import type { JsonValue, Stop } from '@tallystick/ports';
import type { BusConnection } from './connection.ts';
import { internalsOf } from './connection.ts';
import { contextOf } from './headers.ts';
import { readJson } from './json.ts';
import { isFilterSubject } from './names.ts';

export interface Announcement {
  readonly subject: string;
  readonly body: JsonValue;
  readonly context: WorkContext;
}

export interface ListenOptions {
  /** Wildcards are allowed. */
  readonly subject: string;
  /** Listeners with the same queue share the messages; without one each gets all. */
  readonly queue?: string;
  /** Called in the order of arrival. A throw is logged and the next message goes on. */
  readonly onMessage: (announcement: Announcement) => void;
}

/**
 * Hears core messages: market data, heartbeats, the kill switch. At most once, and only while connected; the subscription
 * itself outlives reconnects. Unreadable messages are logged and dropped. Throws `BAD_SUBJECT`.
 */
export const listen = (connection: BusConnection, { subject, queue, onMessage }: ListenOptions): Stop => {
  if (!isFilterSubject(subject)) throw new Error(`BAD_SUBJECT: ${JSON.stringify(subject.slice(0, 120))}`);
  const { nc, log } = internalsOf(connection);
  const subscription = nc.subscribe(subject, {
    ...(queue === undefined ? {} : { queue }),
    callback: (error, message) => {
      if (error !== null) {
        log.write('error', 'listen.subscription_failed', { subject, error });
        return;
      }
      const read = readJson(message.data);
      if (!read.ok) {
        log.write('warn', 'listen.unreadable', { subject: message.subject, code: read.code });
        return;
      }
      const context = contextOf(message.headers, read.value);
      try {
        runInContext(context, () => onMessage({ subject: message.subject, body: read.value, context }));
      } catch (handlerError) {
        log.write('error', 'listen.handler_failed', { subject: message.subject, error: handlerError });
      }
    },
  });
  return () => {
    subscription.unsubscribe();
  };
};
