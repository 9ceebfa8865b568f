export * from './commands/commands.ts';
export * from './envelope/envelope.ts';
export * from './identity/canonical.ts';
export * from './identity/ids.ts';
export * from './intents/intent-v1.ts';
export * from './policy/policy-v1.ts';
export * from './streams/streams.ts';
export * from './subjects/subjects.ts';
