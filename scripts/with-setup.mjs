/**
 * node scripts/with-setup.mjs <command> [arguments]
 *
 * Installs the packages when the lock file has changed since the last time, then runs the command with the project's
 * own Node (24, from node_modules/.bin). It runs on the Node that starts it (20 or newer) and needs no package itself.
 * One wrapper, because `a && node b` in an npm script keeps the `node` that the shell found first, and `pre` scripts
 * are skipped under ignore-scripts.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Refusal, fail, step } from './lib/progress.mjs';

const NEEDS_NODE = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'node_modules/.setup-stamp');
const lockFile = join(root, '.cache/setup.lock');
const bin = join(root, 'node_modules/.bin');
const env = { ...process.env, PATH: bin + delimiter + (process.env.PATH ?? '') };

const read = (file) => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
};
/** What node_modules must hold. The workspace's own manifests are in the lock too, but change nothing there. */
function wanted() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const inModules = Object.entries(packages).filter(([path]) => path.includes('node_modules/'));
  return createHash('sha256').update(JSON.stringify(inModules)).update(`${process.platform}-${process.arch}`).digest('hex');
}
const installed = () => read(stampFile) === wanted();

function run(command, args, options) {
  return new Promise((resolve, reject) => {
    let output = '';
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Two commands started at the same time must not install at the same time. */
async function locked(work) {
  mkdirSync(dirname(lockFile), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const owner = Number(read(lockFile) ?? Number.NaN);
      if (owner > 0 && !alive(owner)) rmSync(lockFile, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
  const release = () => rmSync(lockFile, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    release();
    process.off('exit', release);
  }
}

async function install(note) {
  if (installed()) return note('ready');
  await locked(async () => {
    if (installed()) return;
    const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
    // npm runs on the Node that npm was started with: the project's own is among the files that are replaced.
    const npm = process.env.npm_execpath;
    const { code, output } = npm
      ? await run(process.env.npm_node_execpath ?? process.execPath, [npm, ...args], { cwd: root })
      : await run('npm', args, { cwd: root, shell: process.platform === 'win32' });
    if (code !== 0) {
      process.stderr.write(`\n${output}\n`);
      throw new Refusal(`the packages could not be installed (npm ci ended with ${code}, its output is above)`);
    }
    const found = spawnSync('node', ['-p', 'process.versions.node'], { env, encoding: 'utf8' });
    const version = found.stdout?.trim() ?? '';
    if (!(Number.parseInt(version, 10) >= NEEDS_NODE)) {
      throw new Refusal(
        `Node ${NEEDS_NODE} or newer is needed and comes with the packages on Linux only; this is ` +
          `${process.platform}-${process.arch} with Node ${version || 'missing'}. Install it from https://nodejs.org and run this again.`,
      );
    }
    writeFileSync(stampFile, wanted());
    note(`Node ${version}`);
  });
}

const [command, ...args] = process.argv.slice(2);
if (command === undefined) fail(new Refusal('usage: node scripts/with-setup.mjs <command> [arguments]'));
const quiet = args.some((arg) => arg === '--help' || arg === '-h' || arg === '--quiet') || process.env.TALLY_QUIET_SETUP === '1';
try {
  if (!existsSync(join(root, 'package-lock.json'))) throw new Refusal('package-lock.json is missing: this is not a whole checkout');
  if (!(quiet && installed())) await step('[1/4] packages', install);
} catch (error) {
  fail(error);
}

// A bare name is looked up on the new PATH; Windows needs a shell for the .cmd shims.
const child = spawn(command, args, { cwd: root, env, stdio: 'inherit', shell: process.platform === 'win32' && command !== 'node' });
child.once('error', (error) => fail(new Refusal(`${command} could not be started: ${error.message}`)));
child.once('close', (code, signal) => {
  if (signal === null) process.exit(code);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
  process.kill(process.pid, signal);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // On a terminal Ctrl-C goes to the whole process group: passing it on would deliver it twice.
  process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)));
}
// npm ends on SIGTERM without passing it on to what it started: nothing should be left behind.
if (process.env.npm_execpath && process.env.npm_lifecycle_event) {
  const parent = process.ppid;
  const orphaned = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(orphaned);
    child.kill('SIGTERM');
  }, 500).unref();
}
