import { factIdOf, leaseStream } from '@tallystick/contracts';
import type { KnownEvent, LeaseEvent } from '@tallystick/domain';
import { handle, type HandleFailure } from '@tallystick/event-sourcing';
import { leaseFolding } from '../shared/foldings.ts';
import { recordContext, type ServicePorts } from '../shared/service-ports.ts';
import { knownEnd } from './known-events.ts';

export interface LeaseTaken {
  readonly ok: true;
  readonly epoch: number;
  /** The newest event of its stream. */
  readonly newest: KnownEvent | undefined;
  /** Somebody has had it before. */
  readonly usedBefore: boolean;
}

/** Takes the lease, from whoever has it: the newest owner wins and the one before finds out at its next fence. The epoch is its revision. */
export const acquireLease = async (world: ServicePorts, role: string, riskGroup: string): Promise<LeaseTaken | HandleFailure> => {
  const stream = leaseStream(role, riskGroup);
  const id = factIdOf(stream, world.identity.instance, 0);
  const event: LeaseEvent = { type: 'LeaseAcquired', data: { role, risk_group: riskGroup, owner: world.identity.instance } };
  const context = recordContext(world, '', { correlationId: riskGroup, causationId: world.identity.instance });
  const taken = await handle(world.store, leaseFolding, stream, context, () => [{ id, event }]);
  if (!taken.ok) return taken;
  const { state: { epoch }, recorded, loaded } = taken;
  return { ok: true, epoch, usedBefore: recorded.length === 0 || epoch > 0, newest: knownEnd(stream, recorded.length > 0 ? id : loaded.last?.id, loaded) };
};
