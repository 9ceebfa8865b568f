import { AcceptStoreRequestV1, anchorStream, factIdOf, type StoreAcceptedV1 } from '@tallystick/contracts';
import { acceptLog, type AnchorState } from '@tallystick/domain';
import { handle } from '@tallystick/event-sourcing';
import { ANCHOR_ROLE, anchorFolding } from '../../shared/anchor.ts';
import { recordContext, timeText } from '../../shared/service-ports.ts';
import type { GatewayPorts } from '../gateway-ports.ts';
import { answer, type Answer } from '../http/exchange.ts';
import { Problem } from '../http/problem.ts';
import { checksOf } from '../http/query.ts';

export interface AcceptAsked {
  readonly body: unknown;
  readonly actor: string;
  readonly requestId: string;
}

const unavailable = ({ code, detail }: { readonly code: string; readonly detail: string }): Problem =>
  new Problem({ status: 503, code: 'STORE_UNAVAILABLE', detail: `${code}: ${detail}; ask again: where it was recorded all the same, the answer says so`, headers: { 'Retry-After': '1' } });

const nothingToAccept = ({ acceptance }: AnchorState): Problem => new Problem({
  status: 409, code: 'NOTHING_TO_ACCEPT',
  detail: acceptance
    ? `the log is not doubted; it was last accepted at ${timeText(acceptance.accepted_at_ms)} by ${acceptance.accepted_by}: ${acceptance.reason}`
    : 'the log is not doubted: what was known to be in it is in it',
});

/**
 * Records that an operator takes the log as it is, in the place of the anchor that execution holds against it. Execution acts on it by itself.
 * NOTHING_TO_ACCEPT (409) when no doubt waits for an answer, STORE_UNAVAILABLE (503) when it may not have been recorded.
 */
export const acceptStore = async ({ service }: GatewayPorts, { body, actor, requestId }: AcceptAsked): Promise<Answer> => {
  const parsed = AcceptStoreRequestV1.safeParse(body);
  if (!parsed.success) throw new Problem({ status: 400, code: 'BODY_INVALID', detail: 'an acceptance is {"version":1,"reason":"..."}', checks: checksOf(parsed.error) });
  const end = await service.store.head();
  if (!end.ok) throw unavailable(end);
  const head = (end.position ?? -1n).toString();
  const stream = anchorStream(ANCHOR_ROLE);
  const context = recordContext(service, '', { correlationId: requestId, causationId: requestId, actor });
  let before: AnchorState = anchorFolding.initial();
  const handled = await handle(service.store, anchorFolding, stream, context, ({ state, end: { revision } }) => {
    before = state;
    return acceptLog(state, { head, reason: parsed.data.reason, accepted_by: actor, accepted_at_ms: service.ports.clock.nowMs() })
      .map((event) => ({ id: factIdOf(stream, `accepted/${revision}`, 0), event }));
  });
  if (!handled.ok) throw unavailable(handled);
  const { doubt } = before;
  if (handled.recorded.length === 0 || !doubt) throw nothingToAccept(before);
  service.log.write('warn', 'store.accepted', { actor, reason: parsed.data.reason, code: doubt.code, request_id: requestId });
  return answer({
    version: 1, request_id: requestId, role: doubt.role, code: doubt.code, detail: doubt.detail, ...(doubt.expected ? { given_up: doubt.expected } : {}),
    head, position: (handled.position ?? -1n).toString(),
  } satisfies StoreAcceptedV1);
};
