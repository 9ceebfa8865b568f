export { isFresh, referencePrice, equityOf, exposureOf, markOf, type DecisionInputs } from './checks.ts';
export * from './decide.ts';
export * from './decision.ts';
export type * from './events.ts';
export * from './state.ts';
export { forgetTime } from './message-times.ts';
export { windowRefusal } from './trading-time.ts';
