import { killScopesOf, type KillScope, type KillSubject } from './scope.ts';

/** `stop_new`: nothing new is sent. `stop_and_cancel`: and every order of the scope that works is canceled. */
export type KillMode = 'stop_new' | 'stop_and_cancel';
/** How it was asked for. */
export type KillChannel = 'api' | 'nats' | 'file';

export type KillEvent =
  /** At boot, so that a missing stream means trouble and not peace. */
  | { readonly type: 'KillSwitchCreated'; readonly data: { readonly created_by: string } }
  | {
      readonly type: 'KillEngaged';
      readonly data: {
        readonly kill_id: string; readonly scope: KillScope; readonly mode: KillMode; readonly reason: string; readonly engaged_by: string; readonly via: KillChannel;
        /** Process time, UTC, when it was asked for: what the time to its application is measured from. */
        readonly requested_at_ms: number;
      };
    }
  /** What a kill would have done; stops nothing. `orders`: how many it would have canceled or kept from being sent. */
  | {
      readonly type: 'KillDrilled';
      readonly data: { readonly kill_id: string; readonly scope: KillScope; readonly mode: KillMode; readonly reason: string; readonly drilled_by: string; readonly requested_at_ms: number; readonly orders: number };
    }
  | {
      readonly type: 'KillReleaseProposed';
      readonly data: { readonly kill_id: string; readonly scope: KillScope; readonly reason: string; readonly proposed_by: string; readonly proposed_at_ms: number; readonly expires_at_ms: number };
    }
  | { readonly type: 'KillReleased'; readonly data: { readonly kill_id: string; readonly scope: KillScope; readonly reason: string; readonly released_by: readonly string[] } };

type DataOf<T extends KillEvent['type']> = Extract<KillEvent, { readonly type: T }>['data'];
export type EngagedKill = DataOf<'KillEngaged'>;
export type ReleaseProposal = DataOf<'KillReleaseProposed'>;

export interface KillState {
  readonly exists: boolean;
  readonly engaged: ReadonlyMap<KillScope, EngagedKill>;
  /** The newest per engaged scope; it may have expired. */
  readonly proposals: ReadonlyMap<KillScope, ReleaseProposal>;
}

export const NO_KILL_SWITCH: KillState = { exists: false, engaged: new Map(), proposals: new Map() };

const without = <T>(map: ReadonlyMap<KillScope, T>, scope: KillScope): ReadonlyMap<KillScope, T> => new Map([...map].filter(([of]) => of !== scope));

/** Only its creation makes a switch: a kill of one account on a missing one must not free all the others. */
export const evolveKill = (state: KillState, event: KillEvent): KillState => {
  switch (event.type) {
    case 'KillSwitchCreated':
      return { ...state, exists: true };
    case 'KillEngaged':
      // Who agreed to release what was engaged before has not seen this one.
      return { ...state, engaged: new Map(state.engaged).set(event.data.scope, event.data), proposals: without(state.proposals, event.data.scope) };
    case 'KillDrilled':
      return state;
    case 'KillReleaseProposed':
      return { ...state, proposals: new Map(state.proposals).set(event.data.scope, event.data) };
    case 'KillReleased':
      return { ...state, engaged: without(state.engaged, event.data.scope), proposals: without(state.proposals, event.data.scope) };
  }
};

/** The engaged scope that stops this order, if any. A switch that does not exist stops everything. */
export const killedBy = (state: KillState, order: KillSubject): KillScope | undefined => {
  if (!state.exists) return 'firm';
  return killScopesOf(order).find((scope) => state.engaged.has(scope));
};

/** The kill under which this order is to be canceled, if it is. */
export const canceledBy = (state: KillState, order: KillSubject): EngagedKill | undefined =>
  killScopesOf(order).map((scope) => state.engaged.get(scope)).find((kill) => kill?.mode === 'stop_and_cancel');
