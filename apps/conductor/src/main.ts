import { setTimeout as delay } from 'node:timers/promises';
import { HELP } from './config.ts';
import { startConductor, type RunningConductor } from './start-conductor.ts';

/** A shutdown that hangs must not keep the place of the process that follows. */
const STOP_MS_MAX = 10_000;

let running: RunningConductor | undefined;
let ending = false;

const end = async (code: number, why: string): Promise<void> => {
  if (ending) return;
  ending = true;
  if (code !== 0) process.stderr.write(`conductor: ${why}\n`);
  await Promise.race([running?.stop(), delay(STOP_MS_MAX, undefined, { ref: false })]);
  process.exit(code);
};

if (process.argv.includes('--help')) process.stdout.write(HELP);
else {
  process.once('SIGTERM', () => void end(0, 'SIGTERM'));
  process.once('SIGINT', () => void end(0, 'SIGINT'));
  try {
    running = await startConductor(process.env, (why) => void end(1, why));
  } catch (error) {
    process.stderr.write(`conductor: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}
