import type { JsonObject, JsonValue } from './store.ts';

/** Lossy by contract: it may lose or repeat anything. What it carries can be derived again from the log. */
export interface Bus {
  /**
   * Hands a command to the work queue of a service. `messageId` is unique per message; a re-drive uses a fresh one.
   * `ok: false` means it may not have been stored: the sweeper will drive it again.
   */
  send(subject: string, message: JsonObject, messageId: string): Promise<{ readonly ok: boolean; readonly detail?: string }>;
  /** Core publish: nobody keeps it. */
  announce(subject: string, message: JsonObject): void;
  /** Core request; `undefined` when nobody answered in time. */
  request(subject: string, message: JsonValue, timeoutMs: number): Promise<JsonValue | undefined>;
}

/** How a handler ended, and so how its message is settled. */
export type HandlerOutcome =
  | { readonly kind: 'done' }
  /** Store or venue unavailable: try again, in place first, then later. */
  | { readonly kind: 'retry'; readonly code: string; readonly detail: string }
  /** It can never succeed: to the dead letters, with an alert. */
  | { readonly kind: 'poison'; readonly code: string; readonly detail: string };
