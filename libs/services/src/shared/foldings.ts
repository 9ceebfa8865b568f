import { decodeAudit, decodeIntent, decodeKill, decodeLease, decodeOrder, decodeRiskGroup, decodeVenueReport } from '@tallystick/contracts';
import {
  emptyRiskGroup, evolveIntent, evolveKill, evolveLease, evolveOrder, evolveRiskGroup, NO_INTENT, NO_KILL_SWITCH, NO_LEASE, NO_ORDER,
  type AuditEvent, type IntentEvent, type IntentState, type KillEvent, type KillState, type LeaseEvent, type LeaseState, type OrderEvent, type OrderState,
  type RiskGroupEvent, type RiskGroupState, type VenueReportEvent,
} from '@tallystick/domain';
import type { Folding } from '@tallystick/event-sourcing';

export const intentFolding: Folding<IntentState, IntentEvent> = { initial: () => NO_INTENT, evolve: evolveIntent, decode: decodeIntent };
export const orderFolding: Folding<OrderState, OrderEvent> = { initial: () => NO_ORDER, evolve: evolveOrder, decode: decodeOrder };
export const riskGroupFolding: Folding<RiskGroupState, RiskGroupEvent> = { initial: emptyRiskGroup, evolve: evolveRiskGroup, decode: decodeRiskGroup };
export const leaseFolding: Folding<LeaseState, LeaseEvent> = { initial: () => NO_LEASE, evolve: evolveLease, decode: decodeLease };
export const killFolding: Folding<KillState, KillEvent> = { initial: () => NO_KILL_SWITCH, evolve: evolveKill, decode: decodeKill };
/** Kept for people: nothing is decided on it. */
export const auditFolding: Folding<null, AuditEvent> = { initial: () => null, evolve: () => null, decode: decodeAudit };

/** What the writer of an account's raw reports must know: which it has, and where the venue's stream goes on. Changed in place by its one writer. */
export interface ReportLog {
  readonly reportIds: Set<string>;
  lastSequence: number;
}

export const reportFolding: Folding<ReportLog, VenueReportEvent> = {
  initial: () => ({ reportIds: new Set(), lastSequence: 0 }),
  evolve: (state, { data }) => {
    state.reportIds.add(data.report_id);
    if (data.sequence !== undefined && data.sequence > state.lastSequence) state.lastSequence = data.sequence;
    return state;
  },
  decode: decodeVenueReport,
};
