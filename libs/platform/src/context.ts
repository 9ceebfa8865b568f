import { AsyncLocalStorage } from 'node:async_hooks';

/** What every log line and message of one piece of work carries. Ids only, never secrets. */
export interface WorkContext {
  /** Same for everything that follows from one intent. */
  readonly correlation_id?: string;
  /** Id of the message or event that caused this work. */
  readonly causation_id?: string;
  /** W3C trace context, version 00. */
  readonly traceparent?: string;
  readonly account?: string;
  readonly order_id?: string;
}

const storage = new AsyncLocalStorage<WorkContext>();

/** The context of the work in hand, or `undefined` outside of any. */
export const currentContext = (): WorkContext | undefined => storage.getStore();

/** Runs `work` with `context` laid over the current one; what it awaits sees the same. */
export const runInContext = <T>(context: WorkContext, work: () => T): T => storage.run({ ...storage.getStore(), ...context }, work);
