import type { RecordedEvent } from '@tallystick/ports';
import type { ReadModelFile } from '../store/database.ts';

export interface AnomalyFound {
  /** `order`: recorded in an order's stream; `quarantine`: a fact of no order; `log`: an event this build cannot read; `audit`: a bypass attempt. */
  readonly source: 'order' | 'quarantine' | 'log' | 'audit';
  readonly kind: string;
  readonly detail: string;
  readonly account?: string | undefined;
  readonly orderId?: string | undefined;
  readonly report?: object | undefined;
}

const INSERT = `INSERT INTO anomalies (position, source, kind, account, order_id, stream, revision, detail, report, recorded_at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export const recordAnomaly = (file: ReadModelFile, found: AnomalyFound, { position, stream, revision, recordedAtMs }: RecordedEvent): void => {
  file.run(INSERT, position, found.source, found.kind, found.account ?? null, found.orderId ?? null, stream, revision, found.detail,
    found.report === undefined ? null : JSON.stringify(found.report), recordedAtMs);
};
