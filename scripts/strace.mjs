/**
 * Finds an strace, or fetches one: STRACE_BIN, the PATH, then Debian's packages unpacked into .cache (no root needed to unpack).
 *
 *   import { resolveStrace } from './strace.mjs'; const path = await resolveStrace({ log });
 *   node scripts/strace.mjs        prints the path
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Refusal, fail } from './lib/progress.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const unpacked = join(root, '.cache/strace');
const cached = join(unpacked, 'strace');
const run = promisify(execFile);
/** The program and the library it prints stacks with, which not every system has. */
const PACKAGES = ['strace', 'libunwind8'];

/** The version a binary reports, or undefined when it does not run. Whether it may trace is for its user to find out. */
async function usable(path) {
  try {
    const { stdout } = await run(path, ['-V'], { timeout: 10_000 });
    return /^strace -- version (\S+)/.exec(stdout)?.[1];
  } catch {
    return undefined; // not there, not executable, or a library is missing: all the same to the caller
  }
}

/** Runs it with the libraries that lie beside it; what it traces does not see them. */
const wrapper = (libraries) => `#!/bin/sh
here=$(dirname "$0")
LD_LIBRARY_PATH="${libraries.map((dir) => `$here/${dir}`).join(':')}" exec "$here/usr/bin/strace" -E LD_LIBRARY_PATH "$@"
`;

async function fromDebian(log) {
  mkdirSync(dirname(unpacked), { recursive: true });
  const dir = mkdtempSync(join(dirname(unpacked), 'strace-download-'));
  const download = () => run('apt-get', ['download', ...PACKAGES], { cwd: dir, timeout: 120_000 });
  try {
    try {
      await download();
    } catch (error) {
      if (process.getuid?.() !== 0 || error.code === 'ENOENT') throw error;
      log('apt-get update');
      await run('apt-get', ['update'], { timeout: 180_000 });
      await download();
    }
    const content = join(dir, 'content');
    for (const archive of readdirSync(dir).filter((name) => name.endsWith('.deb'))) await run('dpkg-deb', ['-x', join(dir, archive), content]);
    if (!existsSync(join(content, 'usr/bin/strace'))) throw new Error('the Debian package holds no strace');
    const libraries = ['usr/lib', 'lib'].flatMap((place) => (existsSync(join(content, place)) ? readdirSync(join(content, place)).filter((name) => name.endsWith('-gnu')).map((name) => join(place, name)) : []));
    writeFileSync(join(content, 'strace'), wrapper(libraries), { mode: 0o755 });
    rmSync(unpacked, { recursive: true, force: true });
    renameSync(content, unpacked);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export async function resolveStrace({ log = () => undefined } = {}) {
  const chosen = process.env.STRACE_BIN;
  if (chosen) {
    if ((await usable(chosen)) === undefined) throw new Refusal(`STRACE_BIN is ${chosen}, which is no strace that runs here`);
    return chosen;
  }
  const places = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/bin', '/usr/local/bin'];
  for (const path of [...places.map((place) => join(place, 'strace')), cached].filter((candidate) => existsSync(candidate))) {
    const version = await usable(path);
    if (version !== undefined) {
      log(version);
      return path;
    }
  }
  if (process.platform !== 'linux') throw new Refusal('there is no strace but on Linux');
  let reason;
  try {
    await fromDebian(log);
    const version = await usable(cached);
    if (version !== undefined) {
      log(`${version}, from Debian's package`);
      return cached;
    }
    reason = 'the one in Debian’s package does not run here';
  } catch (error) {
    reason = error.code === 'ENOENT' ? 'this system has no apt-get to fetch it with' : String(error.stderr || error.message).trim().split('\n').at(-1);
  }
  throw new Refusal(`no strace found (${reason}). Install it (apt install strace, dnf install strace) or set STRACE_BIN to its path.`);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${await resolveStrace({ log: (text) => process.stderr.write(`strace: ${text}\n`) })}\n`);
  } catch (error) {
    fail(error);
  }
}
