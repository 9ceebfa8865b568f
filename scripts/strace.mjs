/**
 * Finds an strace, or fetches one: STRACE_BIN, the PATH, then Debian's packages unpacked into .cache (no root needed to unpack).
 *
 *   import { resolveStrace } from './strace.mjs'; const path = await resolveStrace({ log });
 *   node scripts/strace.mjs        prints the path
 */
import { existsSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { placesOf, resolveProgram, run, unpackFromDebian } from './lib/debian.mjs';
import { Refusal, fail } from './lib/progress.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const unpacked = join(root, '.cache/strace');
const cached = join(unpacked, 'strace');
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

function place(content) {
  if (!existsSync(join(content, 'usr/bin/strace'))) throw new Error('the Debian package holds no strace');
  const libraries = ['usr/lib', 'lib'].flatMap((dir) => (existsSync(join(content, dir)) ? readdirSync(join(content, dir)).filter((name) => name.endsWith('-gnu')).map((name) => join(dir, name)) : []));
  writeFileSync(join(content, 'strace'), wrapper(libraries), { mode: 0o755 });
  rmSync(unpacked, { recursive: true, force: true });
  renameSync(content, unpacked);
}

export async function resolveStrace({ log = () => undefined } = {}) {
  const chosen = process.env.STRACE_BIN;
  if (chosen) {
    if ((await usable(chosen)) === undefined) throw new Refusal(`STRACE_BIN is ${chosen}, which is no strace that runs here`);
    return chosen;
  }
  if (process.platform !== 'linux') throw new Refusal('there is no strace but on Linux');
  return resolveProgram({
    name: 'strace', cached, usable, log,
    candidates: [...placesOf('strace', ['/usr/bin', '/usr/local/bin']), cached].filter((path) => existsSync(path)),
    fetch: () => unpackFromDebian(PACKAGES, { near: dirname(unpacked), log, place }),
    advice: 'Install it (apt install strace, dnf install strace) or set STRACE_BIN to its path.',
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${await resolveStrace({ log: (text) => process.stderr.write(`strace: ${text}\n`) })}\n`);
  } catch (error) {
    fail(error);
  }
}
