/** Why something was refused: a stable code, where, what was observed and what was allowed. A value, never thrown. */
export interface Refusal {
  readonly code: string;
  readonly detail: string;
  readonly field?: string;
  readonly observed?: string;
  readonly limit?: string;
}
