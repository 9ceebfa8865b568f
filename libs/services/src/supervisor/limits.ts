/** Durations are process time. */
export interface SupervisionLimits {
  readonly lookEveryMs: number;
  readonly silentAfterMs: number;
  readonly firstHeartbeatWithinMs: number;
  readonly killAfterMs: number;
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
  readonly stableMs: number;
  readonly crashesMax: number;
  readonly crashWindowMs: number;
  readonly straysGoneWithinMs: number;
}

export const SUPERVISION_LIMITS: SupervisionLimits = {
  // Exits are heard of at once; this finds the ends of adopted processes, silences and starts that are due.
  lookEveryMs: 250,
  // A heartbeat a second is promised: after ten missed ones it hangs.
  silentAfterMs: 10_000,
  // Until its first heartbeat: a cold start on a busy machine.
  firstHeartbeatWithinMs: 30_000,
  // Between asking and ending: more than a strategy takes to finish its turn.
  killAfterMs: 5_000,
  // Doubles with each crash in a row.
  backoffMsMin: 500,
  // A strategy that waits longer misses more than its restart costs.
  backoffMsMax: 30_000,
  // Having run for so long, it is not the start that fails.
  stableMs: 60_000,
  // So many ends within the window are a loop: somebody has to look. With the waits between them it is a minute of trying.
  crashesMax: 8,
  crashWindowMs: 600_000,
  // A killed process is gone within a few ms; before it is, nothing may be started in its place.
  straysGoneWithinMs: 1_000,
};
