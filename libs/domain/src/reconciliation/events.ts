import type { ReportRef } from '../order/events.ts';

/** What the venue says an account holds. Money in `currency`. */
export type ReconciliationEvent = {
  readonly type: 'AccountReconciled';
  readonly data: {
    readonly account: string;
    readonly currency: string;
    readonly cash: string;
    readonly positions: readonly { readonly symbol: string; readonly qty: string }[];
    /** The venue's report sequence the snapshot includes. */
    readonly report_sequence: number;
    readonly report: ReportRef;
    readonly venue_time_ms: number;
  };
};
