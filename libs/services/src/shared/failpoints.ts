/**
 * Every place where a service can be told to fail (`TALLY_FAILPOINTS`, never live), with what it lies between. The name begins with the
 * service. Fault campaigns go through this list; a place that is not on it is not tried.
 */
export const FAILPOINTS = {
  'intents.appended': 'the intent is recorded, nobody has been answered and risk has not been told',
  'risk.decided': 'the group has recorded its decision, the order has no stream yet',
  'risk.copied': 'the order holds its decision, execution has not been told',
  'execution.claiming': 'checked and encoded, the claim is not recorded',
  'execution.claimed': 'the claim is recorded, nothing was sent',
  'execution.answered': 'the venue has answered, nothing of it is recorded',
  'execution.reported': 'the answer is recorded, the command is not settled',
  'execution.queried': 'the venue has said what became of an order in doubt, nothing of it is recorded',
  'execution.cancel-claimed': 'the claim of a cancel is recorded, nothing was sent',
  'fills.applied': 'a report has become facts, the next one has not been looked at',
  'supervisor.intended': 'the start of a strategy is recorded, there is no process yet',
  'supervisor.spawned': 'the process of a strategy runs, its start is not recorded',
} as const satisfies Record<`${'intents' | 'risk' | 'execution' | 'fills' | 'supervisor'}.${string}`, string>;
export type FailpointName = keyof typeof FAILPOINTS;
