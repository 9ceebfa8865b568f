import { decodeAnchor } from '@tallystick/contracts';
import { evolveAnchor, NO_ANCHOR, type AnchorEvent, type AnchorState } from '@tallystick/domain';
import type { Folding } from '@tallystick/event-sourcing';

/** Who keeps an anchor of the log: whatever else acts on a log that lacks its newest events, this one must not. */
export const ANCHOR_ROLE = 'execution';

export const anchorFolding: Folding<AnchorState, AnchorEvent> = { initial: () => NO_ANCHOR, evolve: evolveAnchor, decode: decodeAnchor };
