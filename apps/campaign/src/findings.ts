/** What a judge says: one statement, whether it held, and what was seen. */
export interface Finding {
  readonly claim: string;
  readonly held: boolean;
  readonly seen: string;
}

/** Enough to see what kind of difference it is; the rest is counted. */
const SHOWN_MAX = 5;

/** Nothing in `differences` means that the claim holds; `seen` then says what was looked at. */
export const finding = (claim: string, differences: readonly string[], seen: string): Finding => {
  if (differences.length === 0) return { claim, held: true, seen };
  const more = differences.length > SHOWN_MAX ? `; and ${differences.length - SHOWN_MAX} more` : '';
  return { claim, held: false, seen: `${differences.slice(0, SHOWN_MAX).join('; ')}${more}` };
};

export const holds = (claim: string, held: boolean, seen: string): Finding => ({ claim, held, seen });
