import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSystem, type BenchSystem } from './load/system.ts';
import { killChildren, lastWords } from './machine/children.ts';
import { describeMachine } from './machine/machine.ts';
import { HELP, parseOptions, type BenchOptions } from './options.ts';
import { growthLines, machineLines, outboxLines, outboxTargets, pipelineLines, ratiosOf } from './report.ts';
import { storeLines, storeTargets } from './report-store.ts';
import { measureGrowth } from './sections/growth.ts';
import { measureOutbox } from './sections/outbox.ts';
import { measurePipeline, type PipelineResult } from './sections/pipeline.ts';
import { measureStore } from './sections/store.ts';

const EXIT_FAILED = 1;
const EXIT_ARGUMENTS = 2;
/** A run that hangs is ended: the longest of them takes less. */
const RUN_MS_MAX = 60 * 60_000;

const startedMs = performance.now();
const note = (text: string): void => {
  process.stderr.write(`${String(Math.round((performance.now() - startedMs) / 1_000)).padStart(5)} s  ${text}\n`);
};

const run = async (options: BenchOptions, dir: string): Promise<void> => {
  const natsBinary = process.env['NATS_SERVER_BIN'] ?? 'nats-server';
  const machine = describeMachine(dir, natsBinary);
  const say = (text: string): void => void (options.json || process.stdout.write(`${text}\n\n`));
  say(machineLines(machine));
  const systemIn = (name: string): Promise<BenchSystem> =>
    startSystem({ dir: mkdtempSync(join(dir, `${name}-`)), natsBinary, ...(options.profileDir === undefined ? {} : { profileDir: options.profileDir }) });
  const pipelines: PipelineResult[] = [];
  const results: { pipeline?: unknown; outbox?: unknown; growth?: unknown; store?: unknown } = {};
  if (options.only.includes('pipeline')) {
    for (const topology of options.topologies) {
      const system = await systemIn('pipeline');
      const result = await measurePipeline(system, topology, options, note);
      await system.stop();
      pipelines.push(result);
      say(pipelineLines(result));
    }
    results.pipeline = pipelines.map((result) => ({ ...result, targets: ratiosOf(result) }));
  }
  if (options.only.includes('outbox')) {
    const system = await systemIn('outbox');
    const outbox = await measureOutbox(system, options.rounds, options.quick, note);
    await system.stop();
    const targets = outboxTargets(outbox, pipelines);
    results.outbox = { ...outbox, targets };
    say(outboxLines(outbox, targets));
  }
  if (options.only.includes('growth')) {
    const system = await systemIn('growth');
    const levels = await measureGrowth(system, options.quick, note);
    await system.stop();
    results.growth = levels;
    say(growthLines(levels));
  }
  if (options.only.includes('store')) {
    const store = await measureStore(mkdtempSync(join(dir, 'store-')), options.rounds, options.quick, note);
    results.store = { ...store, targets: storeTargets(store) };
    say(storeLines(store));
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ version: 1, machine, ...results }, undefined, 2)}\n`);
};

const main = async (): Promise<void> => {
  const parsed = parseOptions(process.argv.slice(2));
  if (!parsed.ok) {
    process.stderr.write(`bench: ${parsed.detail}\n`);
    process.exit(EXIT_ARGUMENTS);
  }
  if (parsed.options === 'help') {
    process.stdout.write(HELP);
    return;
  }
  const dir = mkdtempSync(join(tmpdir(), 'tally-bench-'));
  const end = async (code: number): Promise<never> => {
    await killChildren();
    rmSync(dir, { recursive: true, force: true });
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      note(`ended by ${signal}`);
      void end(EXIT_FAILED);
    });
  }
  setTimeout(() => {
    note('still not done after an hour: given up');
    void end(EXIT_FAILED);
  }, RUN_MS_MAX).unref();
  try {
    await run(parsed.options, dir);
  } catch (error) {
    process.stderr.write(`${lastWords(dir)}bench: ${error instanceof Error ? error.message : String(error)}\n`);
    await end(EXIT_FAILED);
  }
  await end(0);
};

await main();
