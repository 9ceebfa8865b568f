import type { Refusal } from '../refusal.ts';
import type { EngagedKill, KillEvent, KillMode, KillState } from './kill.ts';
import type { KillScope } from './scope.ts';

/** How long one person's word to release stands: long enough to find the second, too short to be of another day. */
export const RELEASE_WITHIN_MS = 15 * 60_000;

const STRENGTH: Readonly<Record<KillMode, number>> = { stop_new: 1, stop_and_cancel: 2 };

export type EngageDecision =
  | { readonly kind: 'record'; readonly event: KillEvent }
  /** Engaged already, as strongly or more: nothing is added. */
  | { readonly kind: 'already'; readonly kill: EngagedKill };

/** Engaging what is engaged adds nothing; a stronger mode is a kill of its own. Never refused: stopping needs no reason but a person's. */
export const decideEngage = (state: KillState, asked: EngagedKill): EngageDecision => {
  const kill = state.engaged.get(asked.scope);
  if (kill && STRENGTH[kill.mode] >= STRENGTH[asked.mode]) return { kind: 'already', kill };
  return { kind: 'record', event: { type: 'KillEngaged', data: asked } };
};

export interface ReleaseAsked {
  readonly scope: KillScope;
  readonly reason: string;
  /** `operator:<name>`. */
  readonly by: string;
  readonly nowMs: number;
}

export type ReleaseDecision = { readonly kind: 'record'; readonly event: KillEvent } | { readonly kind: 'refused'; readonly refusal: Refusal };

const refused = (code: string, detail: string): ReleaseDecision => ({ kind: 'refused', refusal: { code, detail } });

/**
 * The first operator's word is a proposal, the word of another within 15 minutes releases. Refused: KILL_NOT_ENGAGED, NOT_AN_OPERATOR (agents
 * and services never release), SAME_PERSON.
 */
export const decideRelease = (state: KillState, { scope, reason, by, nowMs }: ReleaseAsked): ReleaseDecision => {
  const kill = state.engaged.get(scope);
  if (!by.startsWith('operator:')) return refused('NOT_AN_OPERATOR', `${by} is no operator: people release what people or machines engaged`);
  if (!kill) return refused('KILL_NOT_ENGAGED', `nothing is engaged for ${scope}`);
  const proposal = state.proposals.get(scope);
  if (!proposal || proposal.kill_id !== kill.kill_id || nowMs > proposal.expires_at_ms) {
    return { kind: 'record', event: { type: 'KillReleaseProposed', data: { kill_id: kill.kill_id, scope, reason, proposed_by: by, proposed_at_ms: nowMs, expires_at_ms: nowMs + RELEASE_WITHIN_MS } } };
  }
  if (proposal.proposed_by === by) return refused('SAME_PERSON', `${by} proposed it already: another operator must agree`);
  return { kind: 'record', event: { type: 'KillReleased', data: { kill_id: kill.kill_id, scope, reason, released_by: [proposal.proposed_by, by] } } };
};
