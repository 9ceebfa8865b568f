/**
 * Finds a nats-server, or fetches one: NATS_SERVER_BIN, .cache/nats-server, the PATH and the system's sbin directories, then
 * Debian's package unpacked into .cache (no root needed, and no system service is started).
 *
 *   import { resolveNatsServer } from './nats-server.mjs'; const path = await resolveNatsServer({ log });
 *   node scripts/nats-server.mjs        prints the path
 */
import { chmodSync, copyFileSync, existsSync, realpathSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { placesOf, resolveProgram, run, unpackFromDebian } from './lib/debian.mjs';
import { Refusal, fail } from './lib/progress.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cached = join(root, '.cache/nats-server');
const MINIMUM = [2, 9];

/** The version a binary reports, or undefined when it does not run or is too old. */
async function usable(path) {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 10_000 });
    const match = /v?(\d+)\.(\d+)\.(\d+)/.exec(stdout);
    if (!match) return undefined;
    const [major, minor] = match.slice(1).map(Number);
    return major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]) ? match[0] : undefined;
  } catch {
    return undefined; // not there, not executable, or not for this machine: all the same to the caller
  }
}

function place(unpacked) {
  const binary = ['usr/sbin', 'usr/bin'].map((dir) => join(unpacked, dir, 'nats-server')).find((path) => existsSync(path));
  if (binary === undefined) throw new Error('the Debian package holds no nats-server');
  const copy = join(unpacked, 'nats-server');
  copyFileSync(binary, copy);
  chmodSync(copy, 0o755);
  renameSync(copy, cached); // whole or not at all, also when two do this at once
}

export async function resolveNatsServer({ log = () => undefined } = {}) {
  const chosen = process.env.NATS_SERVER_BIN;
  if (chosen) {
    const version = await usable(chosen);
    if (version === undefined) throw new Refusal(`NATS_SERVER_BIN is ${chosen}, which is no nats-server of version ${MINIMUM.join('.')} or newer that runs here`);
    log(version);
    return chosen;
  }
  return resolveProgram({
    name: 'nats-server', cached, usable, log,
    candidates: [cached, ...placesOf('nats-server', ['/usr/local/sbin', '/usr/sbin', '/sbin'])].filter((path) => existsSync(path)),
    fetch: () => unpackFromDebian(['nats-server'], { near: dirname(cached), log, place }),
    advice: 'Install it (apt install nats-server, brew install nats-server, or https://github.com/nats-io/nats-server/releases) or set NATS_SERVER_BIN to its path.',
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${await resolveNatsServer({ log: (text) => process.stderr.write(`nats-server: ${text}\n`) })}\n`);
  } catch (error) {
    fail(error);
  }
}
