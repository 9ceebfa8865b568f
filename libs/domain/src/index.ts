export * from './decimal.ts';
export * from './instrument/instrument.ts';
export * from './intent/intent.ts';
export * from './order/index.ts';
export * from './policy/policy.ts';
export * from './position/position.ts';
export type * from './refusal.ts';
export * from './risk-group/index.ts';
export * from './session/session.ts';
