export { ExecutionService } from './execution/execution-service.ts';
export { FillsService } from './fills/fills-service.ts';
export { RemainderKeeper } from './fills/remainder-keeper.ts';
export { IntentsService, type IntentReceipt } from './intents/intents-service.ts';
export { activationBytes, decisionBytes, ReferenceData } from './reference/reference-data.ts';
export { RiskService, type Preview } from './risk/risk-service.ts';
export * from './shared/service-ports.ts';
export * from './replay/conductor.ts';
export * from './replay/settlement-watch.ts';
