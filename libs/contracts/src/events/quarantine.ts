import type { QuarantineEvent } from '@tallystick/domain';
import { z } from 'zod';
import { eventsOf } from './definition.ts';
import { id, text } from './fields.ts';
import { ReportRefData } from './terms.ts';

export const QUARANTINE_EVENTS = eventsOf<QuarantineEvent>()({
  ReportQuarantined: {
    schemaVersion: 1,
    description: 'A fact that belongs to no order of ours. Kept, alerted, never dropped.',
    schema: z.strictObject({ account: id, reason: z.enum(['ORDER_UNKNOWN', 'ACCOUNT_FOREIGN', 'REPORT_UNREADABLE']), detail: text, report: ReportRefData }),
  },
});
