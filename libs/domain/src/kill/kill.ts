/** `firm`, `account:<id>`, `strategy:<id>` or `instrument:<symbol>`. */
export type KillScope = string;

export type KillEvent =
  /** At boot, so that a missing stream means trouble and not peace. */
  | { readonly type: 'KillSwitchCreated'; readonly data: { readonly created_by: string } }
  | { readonly type: 'KillEngaged'; readonly data: { readonly scope: KillScope; readonly reason: string; readonly engaged_by: string } }
  | { readonly type: 'KillReleased'; readonly data: { readonly scope: KillScope; readonly reason: string; readonly released_by: readonly string[] } };

export interface KillState {
  readonly exists: boolean;
  readonly engaged: ReadonlyMap<KillScope, { readonly reason: string; readonly engaged_by: string }>;
}

export const NO_KILL_SWITCH: KillState = { exists: false, engaged: new Map() };

export const evolveKill = (state: KillState, event: KillEvent): KillState => {
  switch (event.type) {
    case 'KillSwitchCreated':
      return { ...state, exists: true };
    case 'KillEngaged':
      return { exists: true, engaged: new Map(state.engaged).set(event.data.scope, { reason: event.data.reason, engaged_by: event.data.engaged_by }) };
    case 'KillReleased': {
      const engaged = new Map(state.engaged);
      engaged.delete(event.data.scope);
      return { exists: true, engaged };
    }
  }
};

/** The engaged scope that stops this order, if any. A switch that does not exist stops everything. */
export const killedBy = (state: KillState, order: { readonly account: string; readonly strategy: string; readonly symbol: string }): KillScope | undefined => {
  if (!state.exists) return 'firm';
  return ['firm', `account:${order.account}`, `strategy:${order.strategy}`, `instrument:${order.symbol}`].find((scope) => state.engaged.has(scope));
};
