import { SEGMENT_HEADER_BYTES } from '../log/format.ts';
import type { Mark } from '../log/high-water-mark.ts';
import type { LogRecord } from '../log/record.ts';
import { walkTo } from '../log/walk.ts';
import type { Damage, LogVisitor } from '../log/walk.ts';
import { identityOf } from './identity.ts';
import { RevisionCheck } from './revisions.ts';
import type { Work } from './work.ts';

export interface Verified {
  readonly logId: string | null;
  readonly segments: number;
  /** Headers and whole records. */
  readonly bytes: number;
  readonly records: number;
  readonly events: number;
  readonly streams: number;
}

export interface Verification {
  readonly dir: string;
  readonly mark: Mark;
  readonly work: Work;
  readonly onDamage: (damage: Damage) => void;
  /** Gets the verified bytes, for a copy. */
  readonly copy?: Pick<LogVisitor, 'onSegment' | 'onBlock' | 'onSegmentEnd'>;
}

/** Verifies the log up to `mark`: checksums, chain, event numbers, revisions of every stream, and the mark itself. Counts what is whole. */
export async function verifyLog({ dir, mark, work, onDamage, copy = {} }: Verification): Promise<Verified> {
  const revisions = new RevisionCheck();
  const seen = { logId: null as string | null, segments: 0, bytes: 0, records: 0, events: 0 };
  /** Behind a gap every stream that went on in it would look wrong. */
  let isWhole = true;
  const damage = (found: Damage): void => {
    isWhole = false;
    onDamage(found);
  };
  const add = (bytes: number): void => {
    seen.bytes += bytes;
    work.add(bytes);
  };
  const onRecord = (record: LogRecord, { path, baseOffset }: { readonly path: string; readonly baseOffset: number }): void => {
    if (record.firstEvent === 0) seen.logId = identityOf(record)?.logId ?? null;
    seen.records += 1;
    seen.events += record.count;
    const problem = isWhole ? revisions.problem(record) : undefined;
    if (problem !== undefined) damage({ path, byte: record.offset - baseOffset, what: problem });
  };
  await walkTo(dir, mark, {
    ...copy,
    onSegment: (segment) => {
      seen.segments += 1;
      add(SEGMENT_HEADER_BYTES);
      copy.onSegment?.(segment);
    },
    onRecord,
    onBlock: (segment, block) => {
      add(block.bytes.length);
      copy.onBlock?.(segment, block);
    },
    onDamage: damage,
    pause: work.pause,
  });
  return { ...seen, streams: revisions.streams };
}
