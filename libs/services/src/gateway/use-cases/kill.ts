import { KillEngageRequestV1, KillReleaseRequestV1, type KillReceiptV1, type KillReleaseReceiptV1, type KillStatusV1, type KillViewV1 } from '@tallystick/contracts';
import { killProgress, parseKillScope, type KillScopeKind } from '@tallystick/domain';
import type { EngageAsked, KillDesk } from '../../kill/kill-desk.ts';
import type { GatewayPorts, KillRecord } from '../gateway-ports.ts';
import { answer, type Answer } from '../http/exchange.ts';
import { Problem } from '../http/problem.ts';
import { checksOf } from '../http/query.ts';
import { readAt } from './reading.ts';

/** Orders named in one answer: more than a person reads, and the count is told beside them. */
const ORDERS_MAX = 1_000;

export interface KillAsked {
  readonly body: unknown;
  readonly actor: string;
  /** The idempotency key. */
  readonly requestId: string;
}

const notRecorded = (code: string, detail: string): Problem => new Problem({
  status: 503, code, detail: `not recorded: ${detail}. Ask again, or write the kill file on the execution host (tally kill engage --file), which needs no store`, headers: { 'Retry-After': '1' },
});

const placed = (position: bigint | undefined): { readonly position?: string } => (position === undefined ? {} : { position: position.toString() });

/** A scope that names what the policy in force does not know is engaged all the same: the order it is for may be older than the policy. */
const warningOf = ({ readModel: { queries } }: GatewayPorts, scope: string): { readonly warning?: string } => {
  const [policy] = queries.policies();
  const parsed = parseKillScope(scope);
  if (!policy || parsed?.name === undefined) return {};
  const { accounts, strategies, instruments } = policy.document;
  const names: Readonly<Record<KillScopeKind, readonly string[]>> = {
    firm: [], account: Object.keys(accounts), strategy: Object.keys(strategies), instrument: instruments, venue: Object.values(accounts).map(({ venue }) => venue),
  };
  const known = names[parsed.kind];
  if (known.includes(parsed.name)) return {};
  return { warning: `policy ${policy.document.name} knows no ${parsed.kind} ${parsed.name}: check the spelling; there are ${[...new Set(known)].slice(0, 20).join(', ')}` };
};

const drill = async ({ readModel: { queries } }: GatewayPorts, desk: KillDesk, asked: EngageAsked, extra: { readonly warning?: string }): Promise<Answer> => {
  const orders = queries.killOrders(asked.scope).filter(({ status }) => asked.mode === 'stop_and_cancel' || status === 'APPROVED');
  const done = await desk.drill(asked, orders.length);
  if (!done.ok) throw notRecorded(done.code, done.detail);
  return answer({
    version: 1, request_id: asked.requestId, status: 'drilled', kill_id: done.killId, scope: asked.scope, mode: asked.mode, reason: asked.reason, engaged_by: asked.by, ...extra,
    orders: orders.length, would_act_on: orders.slice(0, ORDERS_MAX), ...placed(done.position),
  } satisfies KillReceiptV1);
};

/**
 * Engages a scope, or drills it; answered after the append. One step, one person. FLATTEN_NOT_AVAILABLE (422): positions are closed by orders.
 * While the store does not take it: 503, and nothing was engaged.
 */
export const engageKill = async (ports: GatewayPorts, desk: KillDesk, { body, actor, requestId, requestedAtMs }: KillAsked & { readonly requestedAtMs: number }): Promise<Answer> => {
  const parsed = KillEngageRequestV1.safeParse(body);
  if (!parsed.success) {
    throw new Problem({ status: 400, code: 'BODY_INVALID', detail: 'a kill is {"version":1,"scope":"account:paper-1","mode":"stop_and_cancel","reason":"..."}', checks: checksOf(parsed.error) });
  }
  const { scope, mode, reason } = parsed.data;
  if (mode === 'flatten') throw new Problem({ status: 422, code: 'FLATTEN_NOT_AVAILABLE', detail: 'this build does not flatten: engage stop_and_cancel, then close positions by orders after the release' });
  const asked: EngageAsked = { scope, mode, reason, by: actor, via: 'api', requestId, requestedAtMs };
  const extra = warningOf(ports, scope);
  if (parsed.data.drill === true) return drill(ports, desk, asked, extra);
  const done = await desk.engage(asked);
  if (!done.ok) throw notRecorded(done.code, done.detail);
  const { kill } = done;
  return answer({
    version: 1, request_id: requestId, status: done.status, kill_id: kill.kill_id, scope, mode: kill.mode, reason: kill.reason, engaged_by: kill.engaged_by, ...extra, ...placed(done.position),
  } satisfies KillReceiptV1, { status: done.status === 'engaged' ? 201 : 200, headers: { Location: '/v1/kill' } });
};

/** 202 for the first operator's word, 200 for the second's. Refused (422): KILL_FILE_PRESENT, KILL_NOT_ENGAGED, SAME_PERSON, NOT_AN_OPERATOR. */
export const releaseKill = async (ports: GatewayPorts, desk: KillDesk, { body, actor, requestId }: KillAsked): Promise<Answer> => {
  const parsed = KillReleaseRequestV1.safeParse(body);
  if (!parsed.success) throw new Problem({ status: 400, code: 'BODY_INVALID', detail: 'a release is {"version":1,"scope":"account:paper-1","reason":"..."}', checks: checksOf(parsed.error) });
  const { scope, reason } = parsed.data;
  if (ports.killFile.look().length > 0) throw new Problem({ status: 422, code: 'KILL_FILE_PRESENT', detail: `the kill file ${ports.killFile.path} is there and would engage it again: remove it first` });
  const done = await desk.release({ scope, reason, by: actor, requestId });
  if (!done.ok) {
    if ('refusal' in done) throw new Problem({ status: 422, code: done.refusal.code, detail: done.refusal.detail });
    throw notRecorded(done.code, done.detail);
  }
  const { event } = done;
  const receipt = { version: 1, request_id: requestId, scope, reason, ...placed(done.position) } as const;
  if (event.type === 'KillReleased') {
    return answer({ ...receipt, status: 'released', kill_id: event.data.kill_id, operators: [...event.data.released_by] } satisfies KillReleaseReceiptV1);
  }
  if (event.type !== 'KillReleaseProposed') throw new Error(`a release recorded ${event.type}`);
  const { kill_id, proposed_by, expires_at_ms } = event.data;
  return answer({ ...receipt, status: 'proposed', kill_id, operators: [proposed_by], expires_at_ms } satisfies KillReleaseReceiptV1, { status: 202 });
};

const viewOf = ({ readModel: { queries }, service }: GatewayPorts, { kill, position, acknowledged, proposal }: KillRecord): KillViewV1 => {
  const { left, ...progress } = killProgress(kill.mode, acknowledged, queries.killOrders(kill.scope, position));
  const stands = proposal !== undefined && proposal.kill_id === kill.kill_id && service.ports.clock.nowMs() <= proposal.expires_at_ms;
  return {
    ...kill, position: position.toString(), ...progress, left: left.slice(0, ORDERS_MAX), left_count: left.length,
    acknowledged: acknowledged.map(({ instance, applied_at_ms }) => ({ instance, applied_at_ms, after_ms: applied_at_ms - kill.requested_at_ms })),
    ...(stands ? { release: { proposed_by: proposal.proposed_by, reason: proposal.reason, expires_at_ms: proposal.expires_at_ms } } : {}),
  };
};

/** The switch as the read model has it: what is engaged, which executors hold it, and where every order is that it is about. */
export const readKill = async (ports: GatewayPorts, asked: { readonly min_position?: string | undefined }): Promise<KillStatusV1> => {
  const { position } = await readAt(ports, asked);
  const { queries } = ports.readModel;
  return { version: 1, readable: queries.kill().exists, file: ports.killFile.look().length > 0, kills: queries.kills().map((record) => viewOf(ports, record)), position };
};
