export * from './adapter.ts';
export * from './certificate.ts';
export * from './eventually.ts';
export * from './nats.ts';
export * from './store.ts';
