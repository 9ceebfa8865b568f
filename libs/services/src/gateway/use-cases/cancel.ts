import { CancelRequestV1, commandSubject, partitionOf, type CancelOrderV1, type CancelReceiptV1 } from '@tallystick/contracts';
import { isTerminal } from '@tallystick/domain';
import type { GatewayPorts } from '../gateway-ports.ts';
import { answer, type Answer } from '../http/exchange.ts';
import { Problem } from '../http/problem.ts';
import { checksOf } from '../http/query.ts';

export interface CancelAsked {
  readonly orderId: string;
  readonly body: unknown;
  readonly actor: string;
  readonly requestId: string;
}

/**
 * Puts a cancel on execution's own lane for cancels. It is a request: execution records it and asks the venue, whose word ends the order.
 * ORDER_UNKNOWN (404), BUS_UNAVAILABLE (503: nothing was asked). An order that is closed already is answered 200.
 */
export const cancelOrder = async ({ service, readModel: { queries } }: GatewayPorts, { orderId, body, actor, requestId }: CancelAsked): Promise<Answer> => {
  const parsed = CancelRequestV1.safeParse(body);
  if (!parsed.success) throw new Problem({ status: 400, code: 'BODY_INVALID', detail: 'a cancel is {"version":1,"reason":"..."}', checks: checksOf(parsed.error) });
  const order = queries.order(orderId);
  const riskGroup = queries.riskGroupOfOrder(orderId);
  const position = queries.position().toString();
  if (!order || riskGroup === undefined) {
    throw new Problem({ status: 404, code: 'ORDER_UNKNOWN', detail: `no order ${orderId} has been decided on as of position ${position}` });
  }
  const receipt = { version: 1, request_id: requestId, order_id: orderId, order_status: order.status, position } as const;
  if (isTerminal(order.status)) return answer({ ...receipt, status: 'already_closed' } satisfies CancelReceiptV1);
  const command: CancelOrderV1 = { version: 1, order_id: orderId, account: order.account, reason: parsed.data.reason, requested_by: actor };
  // A fresh id: a repeat must not be dropped for the memory of a message that was lost. Execution knows a cancel under way.
  const sent = await service.bus.send(commandSubject('execution', partitionOf(riskGroup), 'cancel'), command, service.ports.ids.unique('cancel'));
  if (!sent.ok) throw new Problem({ status: 503, code: 'BUS_UNAVAILABLE', detail: `the cancel was not stored (${sent.detail ?? 'no detail'}): ask again`, headers: { 'Retry-After': '1' } });
  service.log.write('info', 'order.cancel_asked', { order_id: orderId, actor, request_id: requestId });
  return answer({ ...receipt, status: 'requested' } satisfies CancelReceiptV1, { status: 202, headers: { Location: `/v1/orders/${orderId}` } });
};
