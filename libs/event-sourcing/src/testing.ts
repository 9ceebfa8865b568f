export * from './testing/memory-store.ts';
