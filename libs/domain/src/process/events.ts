import type { Mode } from '../intent/intent.ts';

export type DesiredState = 'running' | 'stopped';

/** One strategy instance: its code once, its account and mode many. Process times, UTC. */
export type ProcessEvent =
  | { readonly type: 'InstanceDesired'; readonly data: { readonly instance_id: string; readonly strategy: string; readonly strategy_version: string; readonly account: string; readonly mode: Mode; readonly desired: DesiredState; readonly reason: string } }
  /** Before the spawn, so that an orphan can be told from a stranger. */
  | { readonly type: 'InstanceStartIntended'; readonly data: { readonly instance_id: string; readonly run_id: string } }
  | { readonly type: 'InstanceStarted'; readonly data: { readonly instance_id: string; readonly run_id: string; readonly pid: number; readonly started_at_ms: number } }
  | { readonly type: 'InstanceExited'; readonly data: { readonly instance_id: string; readonly run_id: string; readonly exit_code?: number; readonly signal?: string; readonly detail: string } }
  | { readonly type: 'InstanceSilent'; readonly data: { readonly instance_id: string; readonly run_id: string; readonly silent_ms: number } };
