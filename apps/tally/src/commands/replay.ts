import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VerifyResult } from '@tallystick/read-models';
import type { Command } from 'commander';
import type { Context, Run } from '../context.ts';
import { EXIT, usage } from '../errors.ts';
import { grouped } from '../output.ts';

interface VerifyFlags {
  readonly storeUrl?: string;
  readonly readModel?: string;
}

/** A line a second is progress; more is noise. */
const PROGRESS_MS = 1_000;

const needed = (value: string | undefined, what: string, flag: string, variable: string): string => {
  if (value !== undefined && value !== '') return value;
  throw usage(`it is not known where ${what} is`, `add ${flag}, set ${variable}, or name the data directory of a system with --data`);
};

const report = ({ out }: Context, result: VerifyResult): void => {
  switch (result.outcome) {
    case 'unreadable':
      out.complain(`unreadable: ${result.detail} (${result.code})`);
      return;
    case 'different':
      out.line(`${out.paint('different', 'bad')}: ${result.detail} at position ${result.position}`);
      if (result.first) out.facts([['table', result.first.table], ['live', result.first.live ?? '(no such row)'], ['rebuilt', result.first.rebuilt ?? '(no such row)']]);
      return;
    case 'same':
      out.line(`${grouped(result.events)} events, projections rebuilt, ${out.paint('0 differences', 'good')}`);
      out.note(`${result.tables.length} tables, ${grouped(result.tables.reduce((sum, table) => sum + table.rows, 0))} rows at position ${result.position}, in ${(result.duration_ms / 1000).toFixed(1)} s`);
  }
};

const verify = async (context: Context, flags: VerifyFlags): Promise<void> => {
  const { settings, around, out } = context;
  const url = needed(flags.storeUrl ?? settings.storeUrl, 'the event store', '--store-url', 'ESDB_URL');
  const path = needed(flags.readModel ?? settings.readModel, 'the read model', '--read-model', 'TALLY_READ_MODEL');
  // Loaded here: no other command needs a store's client, and each would wait for it to load.
  const [{ connectEventStore }, { silentLog, systemPorts }, { verifyReadModel }] = await Promise.all([import('@tallystick/eventstore'), import('@tallystick/platform'), import('@tallystick/read-models')]);
  const ports = systemPorts();
  const store = connectEventStore({ url, ports, log: silentLog, connectionName: 'tally-replay-verify' });
  let saidMs = around.nowMs();
  try {
    const result = await verifyReadModel({
      path, scratchPath: join(tmpdir(), `tally-verify-${around.uuid()}.sqlite`), store, timers: ports.timers,
      onProgress: ({ events, position, until }) => {
        if (around.nowMs() - saidMs < PROGRESS_MS) return;
        saidMs = around.nowMs();
        out.note(`${grouped(events)} events, at ${position} of ${until}`);
      },
    });
    context.exit = result.outcome === 'same' ? EXIT.ok : result.outcome === 'different' ? EXIT.failed : EXIT.usage;
    if (out.json) out.data(result);
    else report(context, result);
  } finally {
    await store.close();
  }
};

export const replayCommands = (program: Command, run: Run): void => {
  program.command('replay').description('the log, told again').command('verify').description('fold the log from nothing and compare every projection, byte for byte')
    .option('--store-url <url>', 'default: ESDB_URL, TALLY_STORE_URL or operator.json').option('--read-model <file>', 'default: TALLY_READ_MODEL or operator.json')
    .addHelpText('after', '\nReads only; the system may go on meanwhile. Ends with 0 same, 1 different, 2 unreadable.\n\nExamples:\n  tally replay verify\n  tally replay verify --data .data --json')
    .action(run((context, _args, flags: VerifyFlags) => verify(context, flags)));
};
