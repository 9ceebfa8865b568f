import { openMarket, sessionWindows } from '@tallystick/market';
import { startPaperVenue } from '@tallystick/venues';
import type { RunningPaperVenue } from '@tallystick/venues';
import { HELP, readConfig } from './config.ts';
import type { PaperVenueConfig } from './config.ts';

const print = (line: Readonly<Record<string, unknown>>): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

const fail = (code: string, detail: string, exitCode: number): void => {
  process.stderr.write(`paper-venue: ${code}: ${detail}\n`);
  process.exitCode = exitCode;
};

const start = async (config: PaperVenueConfig): Promise<RunningPaperVenue> => {
  const feed = await openMarket(config.market, config.marketOptions);
  return startPaperVenue({
    port: config.port, host: config.host, dataDir: config.dataDir, feed,
    windowAt: sessionWindows(feed.description.session),
    accounts: config.accounts, controlToken: config.controlToken, feePerShare: config.feePerShare, dedupe: config.dedupe,
    ...(config.requestsPerSecond === undefined ? {} : { requestsPerSecond: config.requestsPerSecond }),
    onError: (error) => print({ event: 'request_failed', level: 'error', detail: error instanceof Error ? error.message : String(error) }),
  });
};

const stopOnSignal = (running: RunningPaperVenue): void => {
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    print({ event: 'stopping', signal });
    running.close().then(
      () => print({ event: 'stopped' }),
      (error: unknown) => fail('STOP_FAILED', error instanceof Error ? error.message : String(error), 1),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
};

const run = async (): Promise<void> => {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    process.stdout.write(HELP);
    return;
  }
  const read = readConfig(process.env);
  if (!read.ok) {
    fail('SETTINGS_INVALID', `${read.problems.join('; ')} (see --help)`, 2);
    return;
  }
  try {
    const running = await start(read.config);
    const { source, simulated, days } = running.venue.description;
    stopOnSignal(running);
    print({ event: 'ready', port: running.port, source, simulated, days, sequence: running.venue.sequence, time_ms: running.venue.timeMs });
  } catch (error) {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'START_FAILED';
    const detail = error instanceof Error ? error.message : String(error);
    fail(code, code === 'EADDRINUSE' ? `port ${read.config.port} is taken; set TALLY_VENUE_PORT to another, or 0` : detail, 1);
  }
};

await run();
