import { RedriveRequestV1, type DeadLettersQueryV1 } from '@tallystick/contracts';
import type { z } from 'zod';
import type { GatewayPorts } from '../gateway-ports.ts';
import { answer, type Answer } from '../http/exchange.ts';
import { Problem } from '../http/problem.ts';
import { checksOf } from '../http/query.ts';

const unavailable = (error: unknown): Problem => new Problem({
  status: 503, code: 'BUS_UNAVAILABLE', detail: error instanceof Error ? error.message : 'the dead letters cannot be read now', headers: { 'Retry-After': '1' },
});

const SEQUENCE = /^\d{1,15}$/;

/** Oldest first; the cursor is the number of the last one shown. */
export const listDeadLetters = async ({ deadLetters }: GatewayPorts, query: z.infer<typeof DeadLettersQueryV1>): Promise<Answer> => {
  const { service, limit, cursor } = query;
  if (cursor !== undefined && !SEQUENCE.test(cursor)) throw new Problem({ status: 400, code: 'CURSOR_INVALID', detail: 'the cursor is not one that this API gave; start without it' });
  const found = await deadLetters.list({ limit: limit + 1, ...(service === undefined ? {} : { service }), ...(cursor === undefined ? {} : { afterSequence: Number(cursor) }) })
    .catch((error: unknown) => Promise.reject(unavailable(error)));
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return answer({ version: 1, items, ...(found.length > limit && last ? { next: String(last.sequence) } : {}) });
};

/** One that is not there any more is an answer (`not_found`), as a repeat of a redrive that worked must be. */
export const redriveDeadLetters = async ({ deadLetters, service: { log } }: GatewayPorts, body: unknown, actor: string): Promise<Answer> => {
  const parsed = RedriveRequestV1.safeParse(body);
  if (!parsed.success) throw new Problem({ status: 400, code: 'BODY_INVALID', detail: 'a redrive is {"version":1,"sequence":N} or {"version":1,"all":true}', checks: checksOf(parsed.error) });
  const { sequence, service } = parsed.data;
  const asked = sequence === undefined ? deadLetters.redriveAll(service === undefined ? {} : { service }) : deadLetters.redrive(sequence).then((result) => [result]);
  const results = await asked.catch((error: unknown) => Promise.reject(unavailable(error)));
  log.write('info', 'dead_letters.redriven', { actor, outcomes: results.map((result) => `${result.sequence} ${result.outcome}`) });
  return answer({ version: 1, results });
};
