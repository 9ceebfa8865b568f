export { connectEventStore } from './connect.ts';
export type { EventStoreOptions } from './connect.ts';
export { storeMetrics } from './metrics.ts';
export { StoreUrlError } from './url.ts';
export { measureAppends } from './bench.ts';
export type { AppendMeasurement, AppendVariant, MeasureAppendsOptions } from './bench.ts';
