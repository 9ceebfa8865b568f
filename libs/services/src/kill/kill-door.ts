import { KillEngageMessageV1, type KillReceiptV1 } from '@tallystick/contracts';
import type { JsonValue } from '@tallystick/ports';
import type { ServicePorts } from '../shared/service-ports.ts';
import type { KillDesk } from './kill-desk.ts';

/** Answers a request on `tally.kill.engage`, after the append. KILL_INVALID for what is none; a store that is away is worth asking again. */
export const answerKillMessage = async (world: ServicePorts, desk: KillDesk, body: JsonValue): Promise<JsonValue> => {
  const requestedAtMs = world.ports.clock.nowMs();
  const parsed = KillEngageMessageV1.safeParse(body);
  if (!parsed.success) {
    const detail = parsed.error.issues.map((issue) => `${issue.path.map(String).join('.') || 'body'}: ${issue.message}`).join('; ').slice(0, 512);
    return { ok: false, code: 'KILL_INVALID', detail, retryable: false };
  }
  const { scope, mode, reason, requested_by: by } = parsed.data;
  const requestId = world.ports.ids.unique('request');
  const done = await desk.engage({ scope, mode, reason, by: `nats:${by}`, via: 'nats', requestId, requestedAtMs });
  if (!done.ok) return { ok: false, code: done.code, detail: done.detail, retryable: true };
  const { kill_id, mode: held, reason: why, engaged_by } = done.kill;
  const receipt: KillReceiptV1 = {
    version: 1, request_id: requestId, status: done.status, kill_id, scope, mode: held, reason: why, engaged_by, ...(done.position === undefined ? {} : { position: done.position.toString() }),
  };
  return receipt as JsonValue;
};
