import { setTimeout as delay } from 'node:timers/promises';
import { startService, type RunningService, type ServiceDefinition } from './run-service.ts';

/** A shutdown that hangs must not keep the place of the process that follows. */
const STOP_MS_MAX = 10_000;

const isPortTaken = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';

/**
 * A service as a process: starts it, says `{"event":"ready",...}` on stdout, and stops it in order on SIGTERM and SIGINT.
 * Exit codes: 0 stopped as asked, 1 gave up or its port was taken (start it again), 2 could not start.
 */
export const mainProcess = async (name: string, define: (env: Readonly<Record<string, string | undefined>>) => ServiceDefinition): Promise<void> => {
  let running: RunningService | undefined;
  let ending = false;
  const end = async (code: number, why: string): Promise<void> => {
    if (ending) return;
    ending = true;
    running?.world.log.write(code === 0 ? 'info' : 'error', 'stopping', { why });
    await Promise.race([running?.stop(), delay(STOP_MS_MAX, undefined, { ref: false })]);
    process.exit(code);
  };
  const onSignal = (signal: NodeJS.Signals): void => void end(0, signal);
  process.once('SIGTERM', onSignal);
  process.once('SIGINT', onSignal);
  try {
    running = await startService(define(process.env), process.env, (why) => void end(1, why));
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    // A port in somebody's hands for a moment, an outgoing connection's perhaps, is worth another start; what was told wrongly is not.
    process.exit(isPortTaken(error) ? 1 : 2);
  }
};
