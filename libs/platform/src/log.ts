import { destination, pino } from 'pino';
import type { DestinationStream } from 'pino';
import type { Log, LogLevel } from '@tallystick/ports';
import { currentContext } from './context.ts';
import { redactFields, redactText } from './redact.ts';

export interface LogOptions {
  readonly service: string;
  /** Tells processes of one service apart. */
  readonly instance: string;
  readonly build: string;
  /** Least level written. Default `info`. */
  readonly level?: LogLevel;
  /** Where lines go. Default: stdout. */
  readonly to?: DestinationStream;
}

export interface ProcessLog extends Log {
  /** Writes out what is buffered; the last thing a process does. */
  flush(): void;
}

// Names are greppable and never carry data: what does not look like one is shown as text of a nameless event.
const EVENT_NAME = /^[a-z][a-z0-9_.-]{0,79}$/;

/**
 * JSON lines: `level, time_ms, service, instance, build, event`, the context's ids (`correlation_id, causation_id, account, order_id, trace_id`),
 * then the fields. Secrets are replaced by key and by shape. One line per call, whatever the fields hold.
 */
export const createLog = (options: LogOptions): ProcessLog => {
  // Written as they come, but not waited for: a blocked stdout must not stop the process from trading.
  const stdout = options.to === undefined ? destination({ dest: 1, sync: false, minLength: 0 }) : undefined;
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: { service: options.service, instance: options.instance, build: options.build },
      messageKey: 'event',
      timestamp: () => `,"time_ms":${Date.now()}`,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.to ?? stdout,
  );

  const contextFields = (): Record<string, unknown> => {
    const { traceparent, ...ids } = currentContext() ?? {};
    return traceparent === undefined ? ids : { ...ids, trace_id: traceparent.slice(3, 35) };
  };

  return {
    write: (level, event, fields = {}) => {
      if (!logger.isLevelEnabled(level)) return;
      const named = EVENT_NAME.test(event);
      let shown: Record<string, unknown>;
      try {
        shown = redactFields({ ...contextFields(), ...fields });
      } catch (error) {
        // A getter or toJSON threw: the line still says that something happened, and that it could not be shown.
        shown = { unloggable: error instanceof Error ? error.name : typeof error };
      }
      logger[level]({ ...shown, ...(named ? {} : { text: redactText(event) }) }, named ? event : 'unnamed');
    },
    flush: () => {
      if (stdout === undefined) return;
      try {
        stdout.flushSync();
      } catch (error) {
        // Not open yet or closed already: there is nothing left to lose, and nowhere to say so.
        if (!(error instanceof Error)) throw error;
      }
    },
  };
};
