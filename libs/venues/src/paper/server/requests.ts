import { z } from 'zod';
import type { CancelCommand, PlaceCommand } from '../engine/index.ts';
import { problem } from './http.ts';
import type { Answer } from './http.ts';
import type { StepRequest } from './venue.ts';

/** As the descriptor says: what a client may call an order. */
export const CLIENT_ORDER_ID_CHARS_MAX = 64;
const clientOrderId = z.string().regex(new RegExp(`^[A-Za-z0-9._-]{1,${CLIENT_ORDER_ID_CHARS_MAX}}$`));
/** Longer than any decimal that is accepted; whether it is one is the engine's to say. */
const number = z.string().min(1).max(40);

const place = z.strictObject({
  client_order_id: clientOrderId,
  account: z.string().max(64),
  symbol: z.string().min(1).max(32),
  side: z.enum(['buy', 'sell']),
  qty: number,
  order_type: z.enum(['market', 'limit', 'stop', 'stop_limit']),
  time_in_force: z.enum(['DAY', 'GTC', 'IOC', 'FOK']),
  limit_price: number.optional(),
  stop_price: number.optional(),
});

const cancel = z.strictObject({
  client_order_id: clientOrderId,
  target_client_order_id: clientOrderId,
  account: z.string().max(64),
  venue_order_id: z.string().max(256).optional(),
});

const step = z.strictObject({
  until_ms: z.int().nonnegative().optional(),
  steps: z.int().positive().optional(),
  stop_on_report: z.boolean().optional(),
}).refine((request) => request.until_ms !== undefined || request.steps !== undefined || request.stop_on_report === true,
  { message: 'give until_ms, steps or stop_on_report: there is no stepping without an end' });

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly answer: Answer };

/** zod leaves absent optionals out, which its types do not say. */
const parse = <T>(schema: z.ZodType, code: string, value: unknown): Parsed<T> => {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data as T };
  const detail = result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; ');
  return { ok: false, answer: problem(400, code, detail.slice(0, 2000)) };
};

export const parsePlace = (value: unknown): Parsed<PlaceCommand> => parse(place, 'MALFORMED_ORDER', value);
export const parseCancel = (value: unknown): Parsed<CancelCommand> => parse(cancel, 'MALFORMED_CANCEL', value);
export const parseStep = (value: unknown): Parsed<StepRequest> => parse(step, 'MALFORMED_STEP', value);
