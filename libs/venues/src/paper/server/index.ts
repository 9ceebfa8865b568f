export { VenueError } from './book-store.ts';
export type { VenueErrorCode } from './book-store.ts';
export type { Feed } from './feed.ts';
export { startPaperVenue } from './start.ts';
export type { PaperVenueOptions, RunningPaperVenue } from './start.ts';
