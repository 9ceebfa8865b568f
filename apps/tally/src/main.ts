import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { runTally } from './program.ts';

const interrupted = new AbortController();
process.once('SIGINT', () => {
  interrupted.abort();
  // A second one, or a request that hangs, is not waited for.
  process.once('SIGINT', () => process.exit(130));
  setTimeout(() => process.exit(130), 2_000).unref();
});
// `tally order list | head` closes our stdout: not an error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runTally(process.argv.slice(2), {
  streams: process, env: process.env, cwd: process.cwd(), readStdin: () => text(process.stdin), uuid: randomUUID, nowMs: Date.now, interrupted: interrupted.signal,
  sleep: (ms) => delay(ms, undefined, { signal: interrupted.signal }).catch(() => undefined),
});
