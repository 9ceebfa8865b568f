import { describe, expect, it } from '@jest/globals';
import { acceptLog, doubtLog, evolveAnchor, isAccepted, NO_ANCHOR, replaceAnchor, type AnchorEvent, type AnchorState } from './anchor.ts';

const DIGEST = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const expected = { stream: 'order-x', revision: 3, event_id: 'id', hash: 'c'.repeat(64), position: '4242' };
const doubt = { role: 'execution', code: 'STORE_BEHIND_ANCHOR', detail: 'order-x ends at event 1', anchor_digest: DIGEST, expected, found_by: 'execution-1' } as const;
const asked = { head: '1000', reason: 'the disk is gone', accepted_by: 'operator:ada', accepted_at_ms: 5 };

const after = (...events: readonly AnchorEvent[]): AnchorState => events.reduce(evolveAnchor, NO_ANCHOR);
const doubted = after(...doubtLog(NO_ANCHOR, doubt));
const accepted = after(...doubtLog(NO_ANCHOR, doubt), ...acceptLog(doubted, asked));

describe('a doubted log', () => {
  it('is said once per anchor, however often it is come upon', () => {
    expect(doubtLog(doubted, { ...doubt, found_by: 'execution-2' })).toEqual([]);
    expect(doubtLog(doubted, { ...doubt, anchor_digest: OTHER })).toHaveLength(1);
  });

  it('is accepted by naming what is given up and what stands instead', () => {
    expect(acceptLog(doubted, asked)).toEqual([{ type: 'LogAccepted', data: { role: 'execution', anchor_digest: DIGEST, given_up: expected, ...asked } }]);
    const { expected: _unknown, ...unreadable } = doubt;
    expect(acceptLog(after({ type: 'LogDoubted', data: { ...unreadable, code: 'ANCHOR_UNREADABLE' } }), asked)[0]?.data).not.toHaveProperty('given_up');
  });

  it('cannot be accepted when nothing is doubted, nor twice', () => {
    expect(acceptLog(NO_ANCHOR, asked)).toEqual([]);
    expect(acceptLog(accepted, asked)).toEqual([]);
  });
});

describe('an acceptance', () => {
  it('is good for exactly the anchor it names', () => {
    expect(isAccepted(doubted, DIGEST)).toBe(false);
    expect(isAccepted(accepted, DIGEST)).toBe(true);
    expect(isAccepted(accepted, OTHER)).toBe(false);
  });

  it('is good once: the same anchor, doubted again, is to be accepted again', () => {
    const used = [accepted].map((state) => replaceAnchor(state, 'execution-1').reduce(evolveAnchor, state))[0] ?? NO_ANCHOR;
    expect(isAccepted(used, DIGEST)).toBe(false);
    expect(replaceAnchor(used, 'execution-1')).toEqual([]);
    const again = doubtLog(used, doubt).reduce(evolveAnchor, used);
    expect(acceptLog(again, asked)).toHaveLength(1);
  });

  it('stays known when another anchor is doubted later', () => {
    const state = doubtLog(accepted, { ...doubt, anchor_digest: OTHER }).reduce(evolveAnchor, accepted);
    expect(state.acceptance?.accepted_at_ms).toBe(5);
    expect(isAccepted(state, OTHER)).toBe(false);
  });
});
