export { startEmbeddedStore } from './start.ts';
export type { EmbeddedStore, EmbeddedStoreOptions } from './start.ts';
export type { TlsFiles } from './grpc/server.ts';
export { StoreError } from './errors.ts';
export type { StoreErrorCode } from './errors.ts';
export type { StoreLog } from './log.ts';
