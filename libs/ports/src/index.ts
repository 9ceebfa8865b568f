export type * from './anchor.ts';
export type * from './bus.ts';
export type * from './market.ts';
export type * from './store.ts';
export type * from './venue.ts';
export type * from './world.ts';
