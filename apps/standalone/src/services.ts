import { executionService, fillsService, intentsService, riskService, startService, type RunningService } from '@tallystick/host';
import { setTimeout as delay } from 'node:timers/promises';

/** The modules of the four services in this one process, on the connections of the first: what `--in-process` starts. */
const DEFINITIONS = [intentsService, riskService, executionService, fillsService];
/** A shutdown that hangs must not keep the place of the process that follows. */
const STOP_MS_MAX = 10_000;

const running: RunningService[] = [];
let ending = false;

/** The first one last: the others stand on its connections. */
const stopAll = async (): Promise<void> => {
  for (const service of running.reverse()) await service.stop();
};

const end = async (code: number): Promise<void> => {
  if (ending) return;
  ending = true;
  await Promise.race([stopAll(), delay(STOP_MS_MAX, undefined, { ref: false })]);
  process.exit(code);
};

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end(0));
const opsPorts = JSON.parse(process.env['TALLY_SERVICE_OPS_PORTS'] ?? '{}') as Readonly<Record<string, number>>;
try {
  for (const definition of DEFINITIONS) {
    const env = { ...process.env, TALLY_OPS_PORT: String(opsPorts[definition.name] ?? 0) };
    running.push(await startService(definition, env, (why) => {
      process.stderr.write(`${definition.name}: ${why}\n`);
      void end(1);
    }, running[0]));
  }
  process.stdout.write(`${JSON.stringify({ event: 'ready', services: DEFINITIONS.map(({ name }) => name) })}\n`);
} catch (error) {
  process.stderr.write(`services: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
}
