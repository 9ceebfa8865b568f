import type { ReconciliationEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { count, decimalText, id, timeMs } from './fields.ts';
import { ReportRefData } from './terms.ts';

export const RECONCILIATION_EVENTS = eventsOf<ReconciliationEvent>()({
  AccountReconciled: {
    schemaVersion: 1,
    description: 'What the venue says an account holds, as of its report sequence.',
    schema: z.strictObject({
      account: id,
      currency: id,
      cash: decimalText,
      positions: z.array(z.strictObject({ symbol: id, qty: decimalText })),
      report_sequence: count,
      report: ReportRefData,
      venue_time_ms: timeMs,
    }),
  },
});
