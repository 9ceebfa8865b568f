export type AuditEvent =
  /** A body that could not become an intent: what was wrong and a digest, not the body. */
  | { readonly type: 'IntentMalformed'; readonly data: { readonly request_id: string; readonly code: string; readonly detail: string; readonly bytes: number; readonly body_sha256: string; readonly channel: string } }
  /** A command or message that was not what it claimed to be. */
  | { readonly type: 'BypassAttempted'; readonly data: { readonly code: string; readonly detail: string; readonly order_id?: string } }
  /** From here on this executor sends nothing that the kill stops. Times are process time, UTC. */
  | { readonly type: 'KillAcknowledged'; readonly data: { readonly kill_id: string; readonly scope: string; readonly instance: string; readonly requested_at_ms: number; readonly applied_at_ms: number } };

/** How far a driven service has come in the log. */
export type CheckpointEvent = { readonly type: 'CheckpointReached'; readonly data: { readonly position: string } };
