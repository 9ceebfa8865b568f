/** Programs of Debian's packages, unpacked without being installed: no root is needed and no system service is started. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Refusal } from './progress.mjs';

export const run = promisify(execFile);
/** A package of some megabytes over a slow line. */
const DOWNLOAD_MS_MAX = 120_000;
/** The lists of all packages, over the same. */
const UPDATE_MS_MAX = 180_000;

/** Downloads the packages below `near`, unpacks them, and has `place` move what it wants out of them. What is left is removed. */
export async function unpackFromDebian(packages, { near, log, place }) {
  mkdirSync(near, { recursive: true });
  const dir = mkdtempSync(join(near, `${packages[0]}-download-`));
  const download = () => run('apt-get', ['download', ...packages], { cwd: dir, timeout: DOWNLOAD_MS_MAX });
  try {
    try {
      await download();
    } catch (error) {
      if (process.getuid?.() !== 0 || error.code === 'ENOENT') throw error;
      log('apt-get update');
      await run('apt-get', ['update'], { timeout: UPDATE_MS_MAX });
      await download();
    }
    const unpacked = join(dir, 'unpacked');
    const archives = readdirSync(dir).filter((name) => name.endsWith('.deb'));
    if (archives.length === 0) throw new Error('apt-get downloaded nothing');
    for (const archive of archives) await run('dpkg-deb', ['-x', join(dir, archive), unpacked]);
    place(unpacked);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Where a program may be, of these directories and the PATH's. */
export const placesOf = (name, directories) =>
  [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...directories].map((place) => join(place, name)).filter((path) => existsSync(path));

/**
 * The first of the `candidates` that is `usable` (gives its version), else what `fetch` brings to `cached`. Refuses, with `advice`, when
 * there is none.
 */
export async function resolveProgram({ name, candidates, cached, usable, fetch, advice, log }) {
  for (const path of candidates) {
    const version = await usable(path);
    if (version !== undefined) {
      log(version);
      return path;
    }
  }
  let reason;
  try {
    await fetch();
    const version = await usable(cached);
    if (version !== undefined) {
      log(`${version}, from Debian's package`);
      return cached;
    }
    reason = 'the one in Debian’s package does not run here';
  } catch (error) {
    reason = error.code === 'ENOENT' ? 'this system has no apt-get to fetch it with' : String(error.stderr || error.message).trim().split('\n').at(-1);
  }
  throw new Refusal(`no ${name} found (${reason}). ${advice}`);
}
