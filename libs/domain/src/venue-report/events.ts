import type { ReportRef } from '../order/events.ts';

/** Any JSON; the venue's own words. */
export type RawBody = { readonly [key: string]: unknown };

export type VenueReportEvent = {
  readonly type: 'VenueReportReceived';
  readonly data: {
    /** Unique per account; a repeat of the venue's carries the same one and is not recorded again. */
    readonly report_id: string;
    /** The venue's number in its report stream; absent for answers and queries. */
    readonly sequence?: number;
    readonly venue: string;
    readonly account: string;
    readonly channel: 'stream' | 'answer' | 'query';
    readonly body: RawBody;
  };
};

export type QuarantineReason = 'ORDER_UNKNOWN' | 'ACCOUNT_FOREIGN' | 'REPORT_UNREADABLE';

/** A fact that belongs to no order of ours. Kept, alerted, never dropped. */
export type QuarantineEvent = {
  readonly type: 'ReportQuarantined';
  readonly data: { readonly account: string; readonly reason: QuarantineReason; readonly detail: string; readonly report: ReportRef };
};
