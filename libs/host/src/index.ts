export * from './keys/keys.ts';
export { mainProcess } from './process/main-process.ts';
export * from './process/metrics.ts';
export { processConfig, type ProcessConfig } from './process/process-config.ts';
export { startService, type RunningService, type ServiceDefinition } from './process/run-service.ts';
export { commandTopology } from './process/topology.ts';
export { createWorld, type World } from './process/world.ts';
export * from './services.ts';
