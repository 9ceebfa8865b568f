import { factIdOf, leaseStream } from '@tallystick/contracts';
import type { LeaseEvent } from '@tallystick/domain';
import { handle, type HandleFailure } from '@tallystick/event-sourcing';
import { leaseFolding } from '../shared/foldings.ts';
import { recordContext, type ServicePorts } from '../shared/service-ports.ts';

/** Takes the lease, from whoever has it: the newest owner wins and the one before finds out at its next fence. The epoch is its revision. */
export const acquireLease = async (world: ServicePorts, role: string, riskGroup: string): Promise<{ readonly ok: true; readonly epoch: number } | HandleFailure> => {
  const stream = leaseStream(role, riskGroup);
  const id = factIdOf(stream, world.identity.instance, 0);
  const event: LeaseEvent = { type: 'LeaseAcquired', data: { role, risk_group: riskGroup, owner: world.identity.instance } };
  const context = recordContext(world, '', { correlationId: riskGroup, causationId: world.identity.instance });
  const taken = await handle(world.store, leaseFolding, stream, context, () => [{ id, event }]);
  if (!taken.ok) return taken;
  return { ok: true, epoch: taken.state.epoch };
};
