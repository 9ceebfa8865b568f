import type { OrderTerms } from '@tallystick/domain';
import type { PlaceOrder, Venue } from '@tallystick/ports';

/** The venue's order for these terms: pure, so that preview, approval and execution see the same bytes. */
export const placeCommand = (venue: Venue, terms: OrderTerms): PlaceOrder => ({
  action: 'place', client_order_id: venue.clientOrderId(terms.order_id, 'place', 1), account: terms.account, symbol: terms.symbol, side: terms.side,
  qty: terms.qty, order_type: terms.order_type, time_in_force: terms.time_in_force,
  ...(terms.limit_price === undefined ? {} : { limit_price: terms.limit_price }),
  ...(terms.stop_price === undefined ? {} : { stop_price: terms.stop_price }),
});
