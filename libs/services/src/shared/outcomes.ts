import type { HandlerOutcome } from '@tallystick/ports';

export const DONE: HandlerOutcome = { kind: 'done' };

/** Unavailable or not known yet: the command comes again and finds out from the log. */
export const retry = (failure: { readonly code: string; readonly detail: string }): HandlerOutcome => ({ kind: 'retry', code: failure.code, detail: failure.detail });
