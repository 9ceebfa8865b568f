import { expect, it } from '@jest/globals';
import { evolveLease, NO_LEASE, type LeaseEvent } from './events.ts';

const acquired = (owner: string): LeaseEvent => ({ type: 'LeaseAcquired', data: { role: 'execution', risk_group: 'g', owner } });
const released = (owner: string, epoch: number): LeaseEvent => ({ type: 'LeaseReleased', data: { role: 'execution', risk_group: 'g', owner, epoch } });
const after = (...events: readonly LeaseEvent[]) => events.reduce(evolveLease, NO_LEASE);

it('belongs to the newest who acquired it, under the revision of that event', () => {
  expect(after()).toEqual({ epoch: -1 });
  expect(after(acquired('a'))).toEqual({ epoch: 0, owner: 'a' });
  expect(after(acquired('a'), acquired('b'))).toEqual({ epoch: 1, owner: 'b' });
});

it('is given up by who holds it, not by who held it before', () => {
  expect(after(acquired('a'), released('a', 0))).toEqual({ epoch: 0 });
  expect(after(acquired('a'), acquired('b'), released('a', 0))).toEqual({ epoch: 1, owner: 'b' });
});
