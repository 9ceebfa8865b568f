import { Counter, Gauge, Registry } from 'prom-client';
import type { PaperReport } from '../engine/index.ts';
import type { PaperVenue } from './venue.ts';

export interface VenueMetrics {
  answered(route: string, status: number): void;
  reported(reports: readonly PaperReport[]): void;
  text(): Promise<string>;
  readonly contentType: string;
}

/** Labels come from closed sets: routes and report types, never ids. */
export const venueMetrics = (venue: PaperVenue): VenueMetrics => {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({ name: 'tally_paper_venue_requests_total', help: 'Requests answered.', labelNames: ['route', 'status'], registers });
  const reports = new Counter({ name: 'tally_paper_venue_reports_total', help: 'Reports by type.', labelNames: ['type'], registers });
  const gauge = (name: string, help: string, read: () => number): Gauge => new Gauge({ name, help, registers, collect() { this.set(read()); } });
  gauge('tally_paper_venue_open_orders', 'Orders that may still trade.', () => venue.openOrders);
  gauge('tally_paper_venue_market_step', 'Market steps made, counted from the start of the data.', () => venue.sequence);
  gauge('tally_paper_venue_market_time_seconds', 'Business time, seconds since 1970 UTC.', () => venue.timeMs / 1000);
  return {
    answered: (route, status) => requests.inc({ route, status: String(status) }),
    reported: (made) => {
      for (const { type } of made) reports.inc({ type });
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
};
