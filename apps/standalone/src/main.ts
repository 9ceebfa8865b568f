import { dirname } from 'node:path';
import { HELP, readOptions, type Options } from './args.ts';
import { lockDataDir } from './data-dir.ts';
import { Progress, screenOn } from './progress.ts';
import { Refusal } from './refusal.ts';

const EXIT_FAILED = 1;
/** As shells say it of a process that Ctrl-C ended. */
const EXIT_FORCED = 130;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const LOOK_FOR_PARENT_MS = 500;

const root = dirname(dirname(dirname(import.meta.dirname)));
/** npm changes the directory; where the caller stood it says in INIT_CWD. */
const cwd = (process.env['npm_lifecycle_event'] !== undefined ? process.env['INIT_CWD'] : undefined) ?? process.cwd();

const refuse = (error: unknown): number => {
  const text = error instanceof Refusal ? `tallystick: ${error.message}` : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${text}\n`);
  return error instanceof Refusal ? error.exitCode : EXIT_FAILED;
};

/** Resolves with why, the first time this process is asked to end; `again` is called at the second. */
const askedToStop = (again: () => void): Promise<string> =>
  new Promise((resolve) => {
    let asked = false;
    const ask = (why: string): void => {
      if (asked) again();
      asked = true;
      resolve(why);
    };
    for (const signal of SIGNALS) process.on(signal, () => ask(signal));
    // npm and its wrapper pass on what they are told; when they are killed nobody can tell.
    if (process.env['npm_lifecycle_event'] === undefined) return;
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent && !asked) ask('the command that started this is gone');
    }, LOOK_FOR_PARENT_MS).unref();
  });

const runWith = async (options: Options): Promise<number> => {
  const progress = new Progress(screenOn(options.json ? process.stderr : process.stdout, process.env));
  const unlock = lockDataDir(options.dataDir);
  // Loaded here: who only asks for help, or is refused, need not wait for it.
  const [{ Run }, { summaryText }] = await Promise.all([import('./run.ts'), import('./summary-text.ts')]);
  const run = new Run({ options, root, cwd, env: process.env, progress });
  const asked = askedToStop(() => {
    void run.kill().finally(() => process.exit(EXIT_FORCED));
  });
  let code = 0;
  try {
    const outcome = await Promise.race([run.run(), asked]);
    if (typeof outcome === 'string') progress.note(`${outcome}: stopping everything in order; once more to force`);
    else if (outcome !== undefined) {
      if (options.json) process.stdout.write(`${JSON.stringify(outcome, null, 2)}\n`);
      else progress.line(summaryText(outcome, progress.screen));
      code = outcome.ok ? 0 : EXIT_FAILED;
    }
  } catch (error) {
    code = refuse(error);
  }
  await run.stop();
  unlock();
  return code;
};

const main = async (): Promise<number> => {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2), { cwd, root });
  } catch (error) {
    return refuse(error);
  }
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    return await runWith(options);
  } catch (error) {
    return refuse(error);
  }
};

process.exit(await main());
