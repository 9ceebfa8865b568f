import { ExecutionModule } from './modules/execution.module.ts';
import { FillsModule } from './modules/fills.module.ts';
import { IntentsModule } from './modules/intents.module.ts';
import { RiskModule } from './modules/risk.module.ts';
import { InstancesConfig, SupervisorModule, type InstanceConfig } from './modules/supervisor.module.ts';
import type { ServiceDefinition } from './process/run-service.ts';

const because = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Every service is one Nest module; an app boots one of these, a test several in one process. */
export const intentsService: ServiceDefinition = { name: 'intents', module: (world) => IntentsModule.forRoot(world) };
export const riskService: ServiceDefinition = { name: 'risk', commands: 'risk', module: (world, giveUp) => RiskModule.forRoot(world, giveUp) };
export const executionService: ServiceDefinition = { name: 'execution', commands: 'execution', module: (world, giveUp) => ExecutionModule.forRoot(world, giveUp) };
export const fillsService: ServiceDefinition = { name: 'fills', module: (world, giveUp) => FillsModule.forRoot(world, (error) => giveUp(because(error))) };

/** Throws INSTANCES_INVALID for what is not a list of instances. */
export const instancesOf = (env: Readonly<Record<string, string | undefined>>): readonly InstanceConfig[] => {
  try {
    return InstancesConfig.parse(JSON.parse(env['TALLY_INSTANCES'] ?? '[]'));
  } catch (error) {
    throw new Error(`INSTANCES_INVALID: TALLY_INSTANCES: ${because(error)}`, { cause: error });
  }
};

export const supervisorService = (instances: readonly InstanceConfig[]): ServiceDefinition => ({
  name: 'supervisor', module: (world, giveUp) => SupervisorModule.forRoot(world, instances, giveUp),
});
