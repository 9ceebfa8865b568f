import { ExecutionModule } from './modules/execution.module.ts';
import { FillsModule } from './modules/fills.module.ts';
import { IntentsModule } from './modules/intents.module.ts';
import { RiskModule } from './modules/risk.module.ts';
import type { ServiceDefinition } from './process/run-service.ts';

const because = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Every service is one Nest module; an app boots one of these, a test several in one process. */
export const intentsService: ServiceDefinition = { name: 'intents', module: (world) => IntentsModule.forRoot(world) };
export const riskService: ServiceDefinition = { name: 'risk', commands: 'risk', module: (world, giveUp) => RiskModule.forRoot(world, giveUp) };
export const executionService: ServiceDefinition = { name: 'execution', commands: 'execution', module: (world, giveUp) => ExecutionModule.forRoot(world, giveUp) };
export const fillsService: ServiceDefinition = { name: 'fills', module: (world, giveUp) => FillsModule.forRoot(world, (error) => giveUp(because(error))) };
