import { evolveKill, NO_KILL_SWITCH, parseKillScope, TERMINAL, type EngagedKill, type KillAcknowledgement, type KillEvent, type KillOrder, type KillState, type OrderStatus, type ReleaseProposal } from '@tallystick/domain';
import type { ReadModelFile, SqlValue } from '../store/database.ts';
import { json, knownAt, text, type At } from './at.ts';

/** An engaged kill, where it was recorded, and which executors said that they hold it. */
export interface KillRecord {
  readonly kill: EngagedKill;
  readonly position: bigint;
  readonly acknowledged: readonly KillAcknowledgement[];
  /** The newest proposal to release it; it may have expired. */
  readonly proposal?: ReleaseProposal;
}

export const killAt = (file: ReadModelFile, at: At): KillState => {
  const known = knownAt('position', at);
  return file.all(`SELECT type, data FROM kill_events WHERE ${known.sql} AND type <> 'KillAcknowledged' ORDER BY position`, ...known.values)
    .map((row) => ({ type: text(row, 'type'), data: json<unknown>(row, 'data') }) as KillEvent)
    .reduce(evolveKill, NO_KILL_SWITCH);
};

/** What is engaged now, the oldest first. */
export const engagedKills = (file: ReadModelFile): readonly KillRecord[] => {
  let state = NO_KILL_SWITCH;
  const positions = new Map<string, bigint>();
  const acknowledged = new Map<string, KillAcknowledgement[]>();
  for (const row of file.all('SELECT position, type, data FROM kill_events ORDER BY position')) {
    if (text(row, 'type') === 'KillAcknowledged') {
      const { kill_id: killId, instance, applied_at_ms } = json<{ readonly kill_id: string } & KillAcknowledgement>(row, 'data');
      acknowledged.set(killId, [...(acknowledged.get(killId) ?? []), { instance, applied_at_ms }]);
      continue;
    }
    const event = { type: text(row, 'type'), data: json<unknown>(row, 'data') } as KillEvent;
    state = evolveKill(state, event);
    if (event.type === 'KillEngaged') positions.set(event.data.kill_id, BigInt(text(row, 'position')));
  }
  return [...state.engaged.values()].map((kill) => {
    const proposal = state.proposals.get(kill.scope);
    return { kill, position: positions.get(kill.kill_id) ?? -1n, acknowledged: acknowledged.get(kill.kill_id) ?? [], ...(proposal ? { proposal } : {}) };
  });
};

const CLOSED = [...TERMINAL].map((status) => `'${status}'`).join(', ');
const COLUMNS = { firm: undefined, account: 'o.account', strategy: 'o.strategy', instrument: 'o.symbol', venue: "json_extract(o.terms, '$.venue')" } as const;

/**
 * Orders of a scope that are open now, or, with `since`, that were open at that position and are over. What happened since is found by its place in
 * the log, so that the cost is that of the time since, not of the log.
 */
export const ordersOfKill = (file: ReadModelFile, scope: string, since: bigint | undefined): readonly KillOrder[] => {
  const parsed = parseKillScope(scope);
  if (!parsed) return [];
  const column = COLUMNS[parsed.kind];
  const inScope = column === undefined ? '1' : `${column} = ?`;
  const named: readonly SqlValue[] = column === undefined ? [] : [parsed.name ?? ''];
  const open = `SELECT s.order_no FROM order_states s WHERE s.valid_to IS NULL AND s.status NOT IN (${CLOSED})`;
  const wereOpen = `SELECT s.order_no FROM order_states s WHERE s.order_no IN (SELECT order_no FROM order_events WHERE position > ?)
    AND s.valid_from <= ? AND (s.valid_to IS NULL OR s.valid_to > ?) AND s.status NOT IN (${CLOSED})`;
  const rows = file.all(`SELECT o.order_id, n.status FROM orders o JOIN order_states n ON n.order_no = o.order_no AND n.valid_to IS NULL
    WHERE o.terms IS NOT NULL AND ${inScope} AND o.order_no IN (${since === undefined ? open : `${open} UNION ${wereOpen}`}) ORDER BY o.order_no`,
  ...named, ...(since === undefined ? [] : [since, since, since]));
  return rows.map((row) => ({ order_id: text(row, 'order_id'), status: text(row, 'status') as OrderStatus }));
};
