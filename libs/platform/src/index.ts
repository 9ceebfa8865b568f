export * from './context.ts';
export * from './metrics.ts';
export * from './system-ports.ts';
export * from './testing.ts';
export * from './traceparent.ts';
export * from './tracing.ts';
