import { LANES, PARTITIONS } from '@tallystick/contracts';
import { defineTopology, type Topology } from '@tallystick/messaging';

export const commandTopology = (replicas: number): Topology => defineTopology({
  replicas,
  queues: Object.entries(LANES).map(([service, lanes]) => ({ service, lanes: [...lanes], partitions: PARTITIONS })),
});
