export * from './accounts.ts';
export * from './fields.ts';
export * from './findings.ts';
export * from './market.ts';
export * from './operations.ts';
export * from './orders.ts';
export * from './receipts.ts';
export * from './routes.ts';
