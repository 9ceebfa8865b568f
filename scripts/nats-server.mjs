/**
 * Finds a nats-server, or fetches one: NATS_SERVER_BIN, .cache/nats-server, the PATH and the system's sbin directories, then
 * Debian's package unpacked into .cache (no root needed, and no system service is started).
 *
 *   import { resolveNatsServer } from './nats-server.mjs'; const path = await resolveNatsServer({ log });
 *   node scripts/nats-server.mjs        prints the path
 */
import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Refusal, fail } from './lib/progress.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cached = join(root, '.cache/nats-server');
const run = promisify(execFile);
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

async function fromDebian(log) {
  mkdirSync(dirname(cached), { recursive: true });
  const dir = mkdtempSync(join(dirname(cached), 'nats-download-'));
  const download = () => run('apt-get', ['download', 'nats-server'], { cwd: dir, timeout: 120_000 });
  try {
    try {
      await download();
    } catch (error) {
      if (process.getuid?.() !== 0 || error.code === 'ENOENT') throw error;
      log('apt-get update');
      await run('apt-get', ['update'], { timeout: 180_000 });
      await download();
    }
    const archive = readdirSync(dir).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw new Error('apt-get downloaded nothing');
    await run('dpkg-deb', ['-x', join(dir, archive), join(dir, 'unpacked')]);
    const binary = ['usr/sbin', 'usr/bin'].map((place) => join(dir, 'unpacked', place, 'nats-server')).find((path) => existsSync(path));
    if (binary === undefined) throw new Error('the Debian package holds no nats-server');
    const copy = join(dir, 'nats-server');
    copyFileSync(binary, copy);
    chmodSync(copy, 0o755);
    renameSync(copy, cached); // whole or not at all, also when two do this at once
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export async function resolveNatsServer({ log = () => undefined } = {}) {
  const chosen = process.env.NATS_SERVER_BIN;
  if (chosen) {
    const version = await usable(chosen);
    if (version === undefined) throw new Refusal(`NATS_SERVER_BIN is ${chosen}, which is no nats-server of version ${MINIMUM.join('.')} or newer that runs here`);
    log(version);
    return chosen;
  }
  const places = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  const candidates = [cached, ...places.map((place) => join(place, 'nats-server'))].filter((path) => existsSync(path));
  for (const path of candidates) {
    const version = await usable(path);
    if (version !== undefined) {
      log(version);
      return path;
    }
  }
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
  throw new Refusal(
    `no nats-server found (${reason}). Install it (apt install nats-server, brew install nats-server, or https://github.com/nats-io/nats-server/releases) ` +
      'or set NATS_SERVER_BIN to its path.',
  );
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${await resolveNatsServer({ log: (text) => process.stderr.write(`nats-server: ${text}\n`) })}\n`);
  } catch (error) {
    fail(error);
  }
}
