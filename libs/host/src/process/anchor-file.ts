import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AnchorFile } from '@tallystick/ports';

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

const syncDirectory = async (dir: string): Promise<void> => {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const writeSynced = async (path: string, text: string): Promise<void> => {
  const handle = await open(path, 'w', FILE_MODE);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const isMissing = (error: unknown): boolean => typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';

export interface AnchorFileOptions {
  readonly dir: string;
  readonly name: string;
  /** Unique per process: two that overlap must not write into one unfinished file. */
  readonly instance: string;
}

/** `<dir>/<name>.json`, for its owner only. The text is synced under another name, then renamed, then the directory is synced. */
export const anchorFile = ({ dir, name, instance }: AnchorFileOptions): AnchorFile => {
  const path = join(dir, `${name}.json`);
  return {
    read: async () => {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    write: async (text) => {
      const unfinished = join(dir, `${name}.${instance}.new`);
      const made = await mkdir(dir, { recursive: true, mode: DIRECTORY_MODE });
      if (made !== undefined) await syncDirectory(dirname(made));
      await writeSynced(unfinished, text);
      await rename(unfinished, path);
      await syncDirectory(dir);
    },
  };
};
