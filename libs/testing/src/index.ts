export * from './eventually.ts';
export * from './nats.ts';
