import { closeSync, fsyncSync, openSync } from 'node:fs';
import { encodeSegmentHeader } from '../log/format.ts';
import { HighWaterMark } from '../log/high-water-mark.ts';
import type { Mark } from '../log/high-water-mark.ts';
import { segmentPath, syncDirectory } from '../log/segments.ts';
import type { Damage } from '../log/walk.ts';
import { writeWhole } from './directory.ts';
import { verifyLog } from './verify.ts';
import type { Verified } from './verify.ts';
import type { Work } from './work.ts';

export interface Copying {
  readonly from: string;
  /** An empty directory. */
  readonly to: string;
  readonly mark: Mark;
  readonly work: Work;
  readonly onDamage: (damage: Damage) => void;
}

/**
 * Copies the log up to `mark`, with a mark of its own, and syncs it. What is written is what was verified: every byte is read once.
 * `onDamage` must throw.
 */
export async function copyLog({ from, to, mark, work, onDamage }: Copying): Promise<Verified> {
  let fd: number | undefined;
  const close = (): void => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  const copy = {
    onSegment: ({ number, header }: { readonly number: number; readonly header: Parameters<typeof encodeSegmentHeader>[0] }): void => {
      fd = openSync(segmentPath(to, number), 'wx', 0o600);
      writeWhole(fd, encodeSegmentHeader(header), 0);
    },
    onBlock: (_: unknown, { at, bytes }: { readonly at: number; readonly bytes: Buffer }): void => writeWhole(fd!, bytes, at),
    onSegmentEnd: (): void => {
      fsyncSync(fd!);
      close();
    },
  };
  try {
    const verified = await verifyLog({ dir: from, mark, work, onDamage, copy });
    HighWaterMark.createAt(to, mark).close();
    syncDirectory(to);
    return verified;
  } finally {
    close();
  }
}
