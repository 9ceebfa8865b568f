export * from './drive.ts';
export * from './handle.ts';
export { fold, load, type Decode, type Decoded, type Folding, type Loaded, type LoadFailure, type StreamUnreadable } from './load.ts';
export * from './log-tail.ts';
export * from './owned-stream.ts';
export * from './recent-streams.ts';
export * from './record.ts';
