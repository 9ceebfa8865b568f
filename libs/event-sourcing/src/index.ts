export * from './drive.ts';
export * from './handle.ts';
export * from './load.ts';
export * from './owned-stream.ts';
export * from './recent-streams.ts';
export * from './record.ts';
