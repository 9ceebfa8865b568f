import { z } from 'zod';

const account = z.object({
  account: z.string(), currency: z.string(), cash: z.string(),
  positions: z.array(z.object({ symbol: z.string(), qty: z.string() })),
});
const execution = z.object({ account: z.string(), exec_id: z.string(), client_order_id: z.string(), symbol: z.string(), side: z.enum(['buy', 'sell']), qty: z.string(), price: z.string(), fee: z.string() });
const order = z.object({ account: z.string(), client_order_id: z.string(), venue_order_id: z.string(), status: z.string() });
const request = z.object({ account: z.string(), client_order_id: z.string(), kind: z.string(), count: z.int() });

/** The paper venue's own book, as `GET /v1/book` gives it: the half that ours is laid beside. */
export const VenueBook = z.object({ accounts: z.array(account), orders: z.array(order), executions: z.array(execution), requests: z.array(request) });
export type VenueBook = z.infer<typeof VenueBook>;
