import { setTimeout as delay } from 'node:timers/promises';
import { startGateway, type RunningGateway } from './start-gateway.ts';

/** A shutdown that hangs must not keep the place of the process that follows. */
const STOP_MS_MAX = 10_000;

let running: RunningGateway | undefined;
let ending = false;

/** Exit codes: 0 stopped as asked, 1 gave up (start it again), 2 could not start. */
const end = async (code: number, why: string): Promise<void> => {
  if (ending) return;
  ending = true;
  if (code !== 0) process.stderr.write(`gateway: ${why}\n`);
  await Promise.race([running?.stop(), delay(STOP_MS_MAX, undefined, { ref: false })]);
  process.exit(code);
};

process.once('SIGTERM', () => void end(0, 'SIGTERM'));
process.once('SIGINT', () => void end(0, 'SIGINT'));

try {
  running = await startGateway(process.env, (why) => void end(1, why));
} catch (error) {
  const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  const detail = error instanceof Error ? error.message : String(error);
  process.stderr.write(`gateway: ${taken ? `${detail}: another program has this port; set TALLY_GATEWAY_PORT to another, or 0 for any` : detail}\n`);
  process.exit(2);
}
