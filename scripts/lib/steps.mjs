/** The steps that every command shares. They run on the project's Node, after with-setup.mjs. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { resolveNatsServer } from '../nats-server.mjs';
import { Refusal, fail, step } from './progress.mjs';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Everything started from here on finds the server by NATS_SERVER_BIN. */
export async function natsServer() {
  process.env.NATS_SERVER_BIN = await step('[2/4] nats-server', (note) => resolveNatsServer({ log: note }));
}

/** The sources of every app, and so of all they are built on, without the specs: what is needed to run. */
const runnable = () => readdirSync(join(root, 'apps')).sort().map((app) => join('apps', app, 'tsconfig.lib.json')).filter((file) => existsSync(join(root, file)));

/**
 * Compiles what changed: all of it with the specs' types checked, or only what is needed to run. Prints the compiler's
 * findings, and refuses when there are any.
 */
export async function build({ specs = true } = {}) {
  let output = '';
  try {
    await step('[3/4] build', async () => {
      const child = spawn(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', ...(specs ? [] : runnable()), ...(process.stderr.isTTY ? ['--pretty'] : [])], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child.stdout.on('data', (chunk) => (output += chunk));
      child.stderr.on('data', (chunk) => (output += chunk));
      const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
      if (code !== 0) throw new Refusal('the build failed, the compiler’s findings are above');
    });
  } finally {
    if (output) process.stderr.write(`${output.trimEnd()}\n`);
  }
}

/** Runs a compiled entry point inside this process, so that signals reach it directly. */
export async function enter(entry, args) {
  const path = join(root, entry);
  if (!existsSync(path)) throw new Refusal(`${entry} is missing: run npm run build`);
  process.argv = [process.execPath, path, ...args];
  await import(pathToFileURL(path).href);
}

/** Prepares as needed and enters. Asking for help prepares nothing that is already there. */
export async function prepareAndEnter(entry, args, { nats = true, label } = {}) {
  try {
    const help = args.some((arg) => arg === '--help' || arg === '-h');
    if (!(help && existsSync(join(root, entry)))) {
      if (nats && !help) await natsServer();
      await build({ specs: false });
      if (label && !help) process.stderr.write(`[4/4] ${label}\n`);
    }
    await enter(entry, args);
  } catch (error) {
    fail(error);
  }
}
