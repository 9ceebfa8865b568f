import { buildId, createLog } from '@tallystick/platform';
import { connectTally, resolveSettings, runStrategy, TallyError } from '@tallystick/sdk';
import { HELP, readSettings } from './config.ts';

const EXIT_FAILED = 1;
const EXIT_SETTINGS = 2;

const refuse = (problems: readonly string[]): void => {
  for (const problem of problems) process.stderr.write(`strategies: ${problem}\n`);
  process.stderr.write('strategies: see --help\n');
  process.exitCode = EXIT_SETTINGS;
};

const run = async (settings: Extract<ReturnType<typeof readSettings>, { kind: 'run' }>): Promise<void> => {
  const { instanceId } = resolveSettings({}, settings.env);
  const log = createLog({ service: 'strategy', instance: instanceId, build: buildId(process.env) });
  const leaving = new AbortController();
  let leave = (signal: NodeJS.Signals): void => leaving.abort(signal);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => leave(signal));
  try {
    const tally = await connectTally({ log, signal: leaving.signal }, settings.env);
    const strategy = settings.build(log);
    const running = await runStrategy({ tally, ...strategy });
    leave = (signal) => tally.control.stop({ reason: signal });
    if (leaving.signal.aborted) leave('SIGTERM');
    log.write('info', 'ready', { strategy: tally.strategy, account: tally.account, mode: tally.mode, run_id: tally.runId, every: strategy.every });
    await running.ended;
    log.write('info', 'stopped');
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
    log.write('info', 'stopped', { before: 'ready' });
  } finally {
    log.flush();
  }
};

const settings = readSettings(process.argv.slice(2), process.env);
switch (settings.kind) {
  case 'help':
    process.stdout.write(HELP);
    break;
  case 'wrong':
    refuse(settings.problems);
    break;
  case 'run':
    try {
      await run(settings);
    } catch (error) {
      if (error instanceof TallyError) refuse(error.message.split('; '));
      else {
        process.stderr.write(`strategies: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
        process.exitCode = EXIT_FAILED;
      }
    }
}
