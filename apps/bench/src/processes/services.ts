import { executionService, fillsService, intentsService, riskService, startService, type RunningService, type ServiceDefinition } from '@tallystick/host';
import { serveChannel, sumsOf } from './channel.ts';

/** The product's services, those named in BENCH_SERVICES, as a deployment would run them in one process. */
const known: Readonly<Record<string, ServiceDefinition>> = { intents: intentsService, risk: riskService, execution: executionService, fills: fillsService };

const named = (process.env['BENCH_SERVICES'] ?? '').split(',').map((name) => {
  const definition = known[name];
  if (!definition) throw new Error(`BENCH_SERVICES: no service ${name}`);
  return definition;
});

const giveUp = (why: string): void => {
  process.stderr.write(`gave up: ${why}\n`);
  process.exit(1);
};

const running: RunningService[] = [];
for (const definition of named) running.push(await startService(definition, process.env, giveUp, running[0]));

const counts = async (): Promise<Readonly<Record<string, number>>> => sumsOf((await Promise.all(running.map(({ world }) => world.metrics.text()))).join('\n'));

serveChannel({}, {
  counts,
  ready: async () => (await Promise.all(running.map(({ world }) => world.health.ready()))).every(({ ok }) => ok),
}, async () => {
  for (const service of running.reverse()) await service.stop();
});
