export const HELP = `Usage: npm run campaign:ci -- [options]

Breaks the running product on purpose and judges what is left by its log and by the venue's own book.

  --ci           the cases meant for continuous integration (default)
  --all          those and more: each process killed alone, all of them in one run, more markets and storms; takes an hour
  --only NAME    only cases whose name begins so; may be given again
  --seed TEXT    of everything that is drawn (default 1)
  --keep DIR     where the cases keep their data, which then stays; default: a temporary directory that goes when all held
  --list         names and titles, and runs nothing
  --json         the result as JSON on standard output, progress on standard error
  --help

The same seed breaks the same things at the same business times. What a case printed is repeated with its seed in the table.
Exit codes: 0 all held (skips are counted with their reason); 1 something did not; 2 wrong arguments.
`;

/** What continuous integration runs, or all of it. */
export type Scale = 'ci' | 'all';

export interface Options {
  readonly scale: Scale;
  readonly only: readonly string[];
  readonly seed: string;
  readonly keep: string | undefined;
  readonly list: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

export type OptionsRead = { readonly ok: true; readonly options: Options } | { readonly ok: false; readonly problem: string };

const SEED = /^[A-Za-z0-9._-]{1,64}$/;

export const readOptions = (args: readonly string[], scale: Scale = 'ci'): OptionsRead => {
  const only: string[] = [];
  const flags = new Set<string>();
  let seed = '1';
  let keep: string | undefined;
  const rest = args.flatMap((arg) => (/^--(only|seed|keep)=/.test(arg) ? [arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)] : [arg]));
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (['--ci', '--all', '--list', '--json', '--help', '-h'].includes(arg)) flags.add(arg === '-h' ? '--help' : arg);
    else if (['--only', '--seed', '--keep'].includes(arg)) {
      const value = rest.shift();
      if (value === undefined || value === '' || value.startsWith('--')) return { ok: false, problem: `${arg} needs a value` };
      if (arg === '--only') only.push(value);
      else if (arg === '--keep') keep = value;
      else seed = value;
    } else return { ok: false, problem: `unknown argument ${arg}` };
  }
  if (!SEED.test(seed)) return { ok: false, problem: `--seed ${seed} is not up to 64 letters, digits and . _ -` };
  return {
    ok: true,
    options: { scale: flags.has('--all') ? 'all' : flags.has('--ci') ? 'ci' : scale, only, seed, keep, list: flags.has('--list'), json: flags.has('--json'), help: flags.has('--help') },
  };
};
