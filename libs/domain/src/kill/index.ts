export * from './decide.ts';
export * from './kill.ts';
export * from './report.ts';
export * from './scope.ts';
