export { nodeTransport } from './http-transport.ts';
export type { HttpRequest, HttpResult, HttpTransport } from './http-transport.ts';
export { paperVenue } from './paper/adapter.ts';
export type { PaperVenueClientOptions } from './paper/adapter.ts';
export { applyStep, cancelOrder, createBook, placeOrder, restoreBook } from './paper/engine/index.ts';
export type { CancelCommand, EngineConfig, FeedStep, Outcome, PaperBook, PaperOrder, PaperReport, PlaceCommand, SavedBook, TradingWindow } from './paper/engine/index.ts';
export { startPaperVenue, VenueError } from './paper/server/index.ts';
export type { Feed, PaperVenueOptions, RunningPaperVenue, VenueErrorCode } from './paper/server/index.ts';
