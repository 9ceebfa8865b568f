export { createBook, levelsAfter, restoreBook } from './book.ts';
export type { SavedBook } from './book.ts';
export { cancelOrder } from './cancel.ts';
export { OPEN_ORDERS_MAX, placeOrder } from './place.ts';
export { applyStep } from './step.ts';
export type {
  CancelCommand, ClientIdUse, EngineConfig, FeedStep, Level, OrderStatus, Outcome, PaperAccount, PaperBook, PaperOrder, PaperReport, PlaceCommand,
  ReportType, TradingWindow,
} from './types.ts';
