export type AuditEvent =
  /** A body that could not become an intent: what was wrong and a digest, not the body. */
  | { readonly type: 'IntentMalformed'; readonly data: { readonly request_id: string; readonly code: string; readonly detail: string; readonly bytes: number; readonly body_sha256: string; readonly channel: string } }
  /** A command or message that was not what it claimed to be. */
  | { readonly type: 'BypassAttempted'; readonly data: { readonly code: string; readonly detail: string; readonly order_id?: string } };

/** How far a driven service has come in the log. */
export type CheckpointEvent = { readonly type: 'CheckpointReached'; readonly data: { readonly position: string } };
