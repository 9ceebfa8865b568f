import { Command, CommanderError, type OptionValues } from 'commander';
import { contextOf, type Context, type Run, type Surroundings } from './context.ts';
import { holdingCommands } from './commands/holdings.ts';
import { intentCommands } from './commands/intent.ts';
import { killCommands } from './commands/kill.ts';
import { operationCommands } from './commands/operations.ts';
import { orderCommands } from './commands/order.ts';
import { replayCommands } from './commands/replay.ts';
import { sessionCommands } from './commands/session.ts';
import { storeCommands } from './commands/store.ts';
import { CliError, EXIT, EXIT_CODES_HELP, type CliFault } from './errors.ts';

const HELP = `
Settings: flags win over the environment (TALLY_URL, TALLY_TOKEN or TALLY_TOKEN_FILE, TALLY_DATA_DIR, TALLY_ACCOUNT, TALLY_STRATEGY), which wins
over operator.json of the data directory (--data, or the nearest .data). Data goes to stdout, words to stderr; colour only on a terminal.

${EXIT_CODES_HELP}

Examples:
  tally status
  tally intent submit AAPL buy 10 --limit 180.25 --account paper-1 --strategy manual
  tally order list --watch
  tally position list --as-of 2013-10-08T15:00:00Z
  tally replay verify
  tally session show us-equities --days 10
  tally store backup /backup/store-2026-01-31`;

const printFault = (fault: CliFault, json: boolean, { stdout, stderr }: Surroundings['streams']): void => {
  if (json) {
    const { code, message, fix, requestId } = fault;
    stdout.write(`${JSON.stringify({ ok: false, error: { code, message, request_id: requestId ?? null, fix: fix ?? null, ...(fault.reasons && fault.reasons.length > 0 ? { reasons: fault.reasons } : {}) } })}\n`);
    return;
  }
  const lines = [`error: ${fault.code}`, `  why: ${fault.message}`, ...(fault.reasons ?? []).map((reason) => `       ${reason}`), ...(fault.fix === undefined ? [] : [`  fix: ${fault.fix}`]), ...(fault.requestId === undefined ? [] : [`  request: ${fault.requestId}`])];
  stderr.write(`${lines.join('\n')}\n`);
};

const faultOf = (error: unknown): CliFault => {
  if (error instanceof CliError) return error.fault;
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error), fix: 'report it with the command that led to it', exit: EXIT.failed };
};

/** Everything but the process: gives the exit code. */
export const runTally = async (argv: readonly string[], around: Surroundings): Promise<number> => {
  const json = argv.includes('--json');
  const { stdout, stderr } = around.streams;
  let exit: number = EXIT.ok;
  const run: Run = <F extends OptionValues>(work: (context: Context, args: readonly string[], flags: F) => Promise<void>) => async (...args: unknown[]) => {
    const command = args.at(-1) as Command;
    const context = contextOf(command, around);
    await work(context, command.processedArgs.filter((arg): arg is string => typeof arg === 'string'), command.opts<F>());
    ({ exit } = context);
  };
  const said: string[] = [];
  const program = new Command('tally').description('Order execution you can replay: intents, orders, positions, and the log behind them.').exitOverride()
    .option('--json', 'for programs').option('--url <url>', 'the gateway').option('--token-file <file>', 'file with the token').option('--data <dir>', 'data directory of the system')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => void stdout.write(text), writeErr: (text) => void said.push(text) }).addHelpText('after', HELP);
  for (const add of [intentCommands, orderCommands, holdingCommands, killCommands, operationCommands, replayCommands, sessionCommands, storeCommands]) add(program, run);
  inherit(program);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return around.interrupted.aborted ? EXIT.interrupted : exit;
  } catch (error) {
    if (around.interrupted.aborted) return EXIT.interrupted;
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.ok;
      if (error.code === 'commander.help') stderr.write(said.join(''));
      else printFault({ code: 'USAGE', message: (said.join('').trim() || error.message).replace(/^error: /, ''), fix: 'add --help to any command for its options and examples', exit: EXIT.usage }, json, around.streams);
      return EXIT.usage;
    }
    const fault = faultOf(error);
    printFault(fault, json, around.streams);
    return fault.exit;
  }
};

/** Commander hands its settings to subcommands only when these are made after; ours are made first, in their own files. */
const inherit = (command: Command): void => {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inherit(child);
  }
};
