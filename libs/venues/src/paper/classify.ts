import type { JsonObject, SendOutcome } from '@tallystick/ports';
import type { HttpResult } from '../http-transport.ts';

/** Statuses with which this venue, and nothing between us and it, says that it did not act. Each must bring the venue's own code. */
const REFUSALS = new Set([400, 401, 403, 404, 405, 409, 413, 422, 429]);
/** The venue has an order under this id: which one, only a query says. */
const NOT_A_REFUSAL = new Set(['DUPLICATE_CLIENT_ORDER_ID']);

export const asObject = (text: string): JsonObject | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    // JSON.parse throws for one reason: it is not JSON.
    return undefined;
  }
};

const excerpt = (text: string): string => text.slice(0, 200);

const classifyAnswer = (result: Extract<HttpResult, { kind: 'answer' }>, clientOrderId: string): SendOutcome => {
  const { status, text } = result;
  const raw = asObject(text);
  if (!raw || !result.content_type.includes('json')) {
    return { kind: 'unknown', code: status >= 200 && status < 300 ? 'NOT_JSON' : `HTTP_${status}`, detail: `status ${status} with what is not the venue's JSON: ${excerpt(text)}` };
  }
  if (status === 200 || status === 201) {
    const echoed = raw['client_order_id'] === clientOrderId && Array.isArray(raw['reports']) && raw['reports'].length > 0;
    return echoed ? { kind: 'confirmed', raw } : { kind: 'unknown', code: 'UNEXPECTED_ANSWER', detail: `not an answer about ${clientOrderId}: ${excerpt(text)}`, raw };
  }
  const { code, detail } = raw;
  if (REFUSALS.has(status) && typeof code === 'string' && !NOT_A_REFUSAL.has(code)) {
    return { kind: 'refused_by_venue', code, detail: typeof detail === 'string' ? detail : '', raw };
  }
  return { kind: 'unknown', code: typeof code === 'string' ? code : `HTTP_${status}`, detail: `status ${status}: ${excerpt(text)}`, raw };
};

/**
 * What an exchange says about the request with `clientOrderId`. Never made a connection: `not_sent`. The venue's own word: `confirmed`
 * or `refused_by_venue`. Everything else, a time-out, a reset, a 5xx, HTML, half an answer, an answer about another order: `unknown`.
 */
export const classify = (result: HttpResult, clientOrderId: string): SendOutcome => {
  if (result.kind === 'not_connected') return { kind: 'not_sent', code: result.code, detail: result.detail };
  if (result.kind === 'broken') return { kind: 'unknown', code: result.code, detail: result.detail };
  return classifyAnswer(result, clientOrderId);
};
