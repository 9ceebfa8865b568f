/** What a writer says it saw. */
export type Expected = { readonly kind: 'any' } | { readonly kind: 'no_stream' } | { readonly kind: 'stream_exists' } | { readonly kind: 'exact'; readonly revision: number };

/** What the log says about the stream at the moment of the decision. */
export interface StreamFacts {
  /** Last revision, -1 when there is none. */
  readonly last: number;
  readonly tombstoned: boolean;
  readonly softDeleted: boolean;
  /** Is there an event in its metadata stream. */
  readonly hasMetadata: boolean;
  /** Has the event at `revision` (at most `last`) the id of the `index`th new event. */
  isStored(index: number, revision: number): boolean;
  /** Revision under which the id of the `index`th new event was written to this stream first; memory is bounded. */
  recentRevision(index: number): number | undefined;
}

export type Verdict =
  | { readonly kind: 'write' }
  /** Written before; `revision` is that of the last event sent again. */
  | { readonly kind: 'repeat'; readonly revision: number }
  | { readonly kind: 'wrong_version'; readonly current: number }
  | { readonly kind: 'deleted' };

/** Decides an append of `count` events exactly as the real server does: see its idempotency table. */
export function decideAppend(expected: Expected, count: number, facts: StreamFacts): Verdict {
  const { last } = facts;
  const wrong: Verdict = { kind: 'wrong_version', current: last };
  if (facts.tombstoned) return { kind: 'deleted' };
  if (expected.kind === 'stream_exists' && facts.softDeleted) return { kind: 'deleted' };
  if (last < 0) {
    if (expected.kind === 'any' || expected.kind === 'no_stream') return { kind: 'write' };
    return expected.kind === 'stream_exists' && facts.hasMetadata ? { kind: 'write' } : wrong;
  }
  if (expected.kind === 'any' || expected.kind === 'stream_exists') return decideByRecentIds(count, facts, wrong);
  const seen = expected.kind === 'no_stream' ? -1 : expected.revision;
  if (seen > last) return wrong;
  if (seen === last) return { kind: 'write' };
  for (let i = 0; i < count; i++) {
    const revision = seen + 1 + i;
    if (revision <= last && facts.isStored(i, revision)) continue;
    return i === 0 && seen === -1 && facts.softDeleted ? { kind: 'write' } : wrong;
  }
  return count === 0 ? wrong : { kind: 'repeat', revision: seen + count };
}

function decideByRecentIds(count: number, facts: StreamFacts, wrong: Verdict): Verdict {
  let revision: number | undefined;
  for (let i = 0; i < count; i++) {
    const known = facts.recentRevision(i);
    if (known === undefined) return i === 0 ? { kind: 'write' } : wrong;
    revision = known;
  }
  return revision === undefined ? { kind: 'write' } : { kind: 'repeat', revision };
}
