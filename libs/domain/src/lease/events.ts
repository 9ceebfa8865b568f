/** The revision of the newest `LeaseAcquired` is the epoch; claims carry it, and who is not the newest steps down. */
export type LeaseEvent =
  | { readonly type: 'LeaseAcquired'; readonly data: { readonly role: string; readonly risk_group: string; readonly owner: string } }
  | { readonly type: 'LeaseReleased'; readonly data: { readonly role: string; readonly risk_group: string; readonly owner: string; readonly epoch: number } };

export interface LeaseState {
  readonly epoch: number;
  readonly owner?: string;
}

export const NO_LEASE: LeaseState = { epoch: -1 };

export const evolveLease = (state: LeaseState, event: LeaseEvent, revision: number): LeaseState => {
  if (event.type === 'LeaseAcquired') return { epoch: revision, owner: event.data.owner };
  return state.epoch === event.data.epoch ? { epoch: state.epoch } : state;
};
