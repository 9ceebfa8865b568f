import { readFileSync, statSync } from 'node:fs';
import { parseKillFile, WHOLE_FIRM, type FileKill, type KillFile } from '@tallystick/services';

/** A kill is a line or two; a larger file is none of ours, and means the firm. */
const BYTES_MAX = 64 * 1024;

const absent = (error: unknown): boolean => typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';

/**
 * The kill file of this host. Each look is a `stat`, some microseconds: nothing is remembered of an earlier look but the content of a file that
 * has not changed since. Whatever is there and cannot be read, a directory or a file without permission, stops the firm.
 */
export const killFileAt = (path: string): KillFile => {
  let known: { readonly mark: string; readonly kills: readonly FileKill[] } | undefined;
  const read = (mark: string): readonly FileKill[] => {
    try {
      const kills = parseKillFile(readFileSync(path, 'utf8'));
      known = { mark, kills };
      return kills;
    } catch {
      // It is there: that it cannot be read must not make it weaker.
      return WHOLE_FIRM;
    }
  };
  return {
    path,
    look: () => {
      try {
        const { mtimeMs, ctimeMs, ino, size } = statSync(path);
        const mark = `${mtimeMs}/${ctimeMs}/${ino}/${size}`;
        if (size > BYTES_MAX) return WHOLE_FIRM;
        return known?.mark === mark ? known.kills : read(mark);
      } catch (error) {
        return absent(error) ? [] : WHOLE_FIRM;
      }
    },
  };
};
