import type { ReadModelFile } from '../store/database.ts';

/** Where on its way it was refused. */
export type RefusalStage = 'malformed' | 'intent' | 'decision' | 'withheld' | 'venue';

export interface RefusalSource {
  readonly position: bigint;
  readonly recordedAtMs: number;
  readonly stage: RefusalStage;
  readonly account?: string | undefined;
  readonly strategy?: string | undefined;
  readonly symbol?: string | undefined;
  readonly orderId?: string | undefined;
  readonly intentKey?: string | undefined;
}

export interface RefusalPart {
  readonly code: string;
  readonly detail: string;
  readonly scope?: string | undefined;
  readonly limit?: string | undefined;
  readonly observed?: string | undefined;
}

const INSERT = `INSERT INTO refusals (position, part, stage, code, scope, account, strategy, symbol, order_id, intent_key, detail, limit_value, observed, recorded_at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export const recordRefusals = (file: ReadModelFile, source: RefusalSource, parts: readonly RefusalPart[]): void => {
  parts.forEach((part, n) => {
    file.run(INSERT, source.position, n, source.stage, part.code, part.scope ?? null, source.account ?? null, source.strategy ?? null, source.symbol ?? null,
      source.orderId ?? null, source.intentKey ?? null, part.detail, part.limit ?? null, part.observed ?? null, source.recordedAtMs);
  });
};
