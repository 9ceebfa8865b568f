export * from './decide.ts';
export type * from './events.ts';
export * from './reports.ts';
export * from './state.ts';
export * from './transitions.ts';
