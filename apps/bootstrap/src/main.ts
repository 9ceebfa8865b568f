import { HELP, prepareConfig, recordConfig } from './config.ts';
import { prepare } from './prepare.ts';
import { record } from './record.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const fail = (code: number, detail: string): void => {
  process.stderr.write(`bootstrap: ${detail}\n`);
  process.exitCode = code;
};

const commands: Readonly<Record<string, () => Promise<void>>> = {
  prepare: () => {
    const read = prepareConfig(process.env);
    if (read.ok) process.stdout.write(`${prepare(read.config).join('\n')}\n`);
    else fail(EXIT_USAGE, read.detail);
    return Promise.resolve();
  },
  record: async () => {
    const read = recordConfig(process.env);
    if (!read.ok) return fail(EXIT_USAGE, read.detail);
    process.stdout.write(`${JSON.stringify({ event: 'recorded', ...(await record(read.config, process.env)) })}\n`);
  },
};

const [name = '', ...rest] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) && rest.length === 0 ? commands[name] : undefined;
if (name === '--help' || name === '-h') process.stdout.write(HELP);
else if (command === undefined) fail(EXIT_USAGE, 'say prepare or record (see --help)');
else await command().catch((error: unknown) => fail(EXIT_FAILED, error instanceof Error ? error.message : String(error)));
