/** An event of the log as whoever trades on the log remembers it, outside of the log. */
export interface KnownEvent {
  readonly stream: string;
  readonly revision: number;
  readonly event_id: string;
  /** As chained: the next event of the stream carries it. */
  readonly hash: string;
  /** Place in the log, decimal. */
  readonly position: string;
}

/** `STORE_BEHIND_ANCHOR`: the log lacks what was known to be in it. `ANCHOR_UNREADABLE`: what was known cannot be read. */
export type LogDoubtCode = 'STORE_BEHIND_ANCHOR' | 'ANCHOR_UNREADABLE';

export type AnchorEvent =
  /** Nothing is sent from here on. `expected` is what was known, `found` what the log has there or last; both are absent where there is none. */
  | { readonly type: 'LogDoubted'; readonly data: { readonly role: string; readonly code: LogDoubtCode; readonly detail: string; readonly anchor_digest: string; readonly expected?: KnownEvent; readonly found?: { readonly revision: number; readonly event_id: string; readonly hash: string }; readonly found_by: string } }
  /** An operator gives up what was known (the anchor of this digest) and accepts the log as it is, up to `head`. Process time, UTC. */
  | { readonly type: 'LogAccepted'; readonly data: { readonly role: string; readonly anchor_digest: string; readonly given_up?: KnownEvent; readonly head: string; readonly reason: string; readonly accepted_by: string; readonly accepted_at_ms: number } }
  /** The acceptance has been acted on: what is known from here on is in this log. It is good for nothing more. */
  | { readonly type: 'AnchorReplaced'; readonly data: { readonly role: string; readonly anchor_digest: string; readonly replaced_by: string } };

type DataOf<T extends AnchorEvent['type']> = Extract<AnchorEvent, { readonly type: T }>['data'];

export interface AnchorState {
  /** What nobody has answered yet. */
  readonly doubt?: DataOf<'LogDoubted'>;
  /** The newest one. */
  readonly acceptance?: DataOf<'LogAccepted'> & { readonly used: boolean };
}

export const NO_ANCHOR: AnchorState = {};

export const evolveAnchor = (state: AnchorState, event: AnchorEvent): AnchorState => {
  switch (event.type) {
    case 'LogDoubted':
      return { ...state, doubt: event.data };
    case 'LogAccepted':
      return { acceptance: { ...event.data, used: false } };
    case 'AnchorReplaced':
      return state.acceptance?.anchor_digest === event.data.anchor_digest ? { ...state, acceptance: { ...state.acceptance, used: true } } : state;
  }
};

/** An acceptance is good for exactly the anchor it names, and once. */
export const isAccepted = ({ acceptance }: AnchorState, anchorDigest: string): boolean => acceptance?.anchor_digest === anchorDigest && !acceptance.used;

/** A doubt is said once, however often it is come upon. */
export const doubtLog = (state: AnchorState, doubt: DataOf<'LogDoubted'>): readonly AnchorEvent[] =>
  state.doubt?.anchor_digest === doubt.anchor_digest ? [] : [{ type: 'LogDoubted', data: doubt }];

/** Empty where nothing waits to be accepted. */
export const acceptLog = ({ doubt }: AnchorState, asked: Pick<DataOf<'LogAccepted'>, 'head' | 'reason' | 'accepted_by' | 'accepted_at_ms'>): readonly AnchorEvent[] => {
  if (!doubt) return [];
  const { role, anchor_digest, expected } = doubt;
  return [{ type: 'LogAccepted', data: { role, anchor_digest, ...(expected ? { given_up: expected } : {}), ...asked } }];
};

export const replaceAnchor = ({ acceptance }: AnchorState, replacedBy: string): readonly AnchorEvent[] =>
  acceptance && !acceptance.used ? [{ type: 'AnchorReplaced', data: { role: acceptance.role, anchor_digest: acceptance.anchor_digest, replaced_by: replacedBy } }] : [];
