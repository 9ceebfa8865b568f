/** What a run does. Counts are bounded so that a run ends: `quick` within a few minutes, the whole within about half an hour. */
export interface BenchOptions {
  readonly json: boolean;
  readonly quick: boolean;
  readonly only: readonly Section[];
  readonly rounds: number;
  readonly topologies: readonly Topology[];
  /** Writes a CPU profile of the services' process here; measures the product alone. */
  readonly profileDir?: string;
}

export const SECTIONS = ['pipeline', 'outbox', 'growth', 'store'] as const;
export type Section = (typeof SECTIONS)[number];

/** `one`: the four services in one process. `processes`: a process each. nats-server, store and venue are processes of their own in both. */
export const TOPOLOGIES = ['one', 'processes'] as const;
export type Topology = (typeof TOPOLOGIES)[number];

export type ParsedOptions = { readonly ok: true; readonly options: BenchOptions | 'help' } | { readonly ok: false; readonly detail: string };

/** Fewer than five make no median worth the name. */
const ROUNDS = 5;
const ROUNDS_QUICK = 3;
const ROUNDS_MAX = 50;

export const HELP = `Usage: npm run bench -- [--quick] [--json] [--only NAME] [--topology NAME] [--rounds N] [--profile DIR]

Measures this build on this machine, everything on loopback, in a fresh directory that is removed afterwards.

  pipeline   intent to venue call, and orders a second, against a bare relay with the same processes, hops and appends
  outbox     a one-message-per-transaction Postgres outbox doing the same job (needs Debian's PostgreSQL)
  growth     replay and projection rates, memory per open order, at 1,000, 10,000 and 100,000 open orders
  store      the event store alone against raw syncs and bare gRPC: appends, reads, delivery, start and memory with a million events

  --quick           fewer rounds and orders, growth up to 10,000, a log of 100,000 events: minutes instead of half an hour
  --json            the results as one JSON document on standard output
  --only NAME       that section alone; may be given several times
  --topology NAME   one (default: the services share a process), processes (one each), both
  --rounds N        rounds of each variant, ${ROUNDS} by default, ${ROUNDS_QUICK} with --quick
  --profile DIR     a CPU profile of each process of ours; the pipeline alone, without the relay

Exit codes: 0 measured, 1 something failed, 2 wrong arguments. A target that is not met is printed and fails nothing.
`;

const isSection = (text: string): text is Section => SECTIONS.some((section) => section === text);
const isTopology = (text: string): text is Topology => TOPOLOGIES.some((topology) => topology === text);

/** Reads the command line. Refuses what it does not know by name. */
export const parseOptions = (args: readonly string[]): ParsedOptions => {
  const wrong = (detail: string): ParsedOptions => ({ ok: false, detail: `${detail} (see --help)` });
  let json = false;
  let quick = false;
  let rounds: number | undefined;
  let profileDir: string | undefined;
  let topologies: readonly Topology[] = ['one'];
  const only: Section[] = [];
  for (let i = 0; i < args.length; i += 1) {
    const [name, inline] = (args[i] ?? '').split('=', 2);
    const value = (): string => inline ?? args[(i += 1)] ?? '';
    if (name === '--help' || name === '-h') return { ok: true, options: 'help' };
    else if (name === '--json') json = true;
    else if (name === '--quick') quick = true;
    else if (name === '--only') {
      const section = value();
      if (!isSection(section)) return wrong(`--only takes ${SECTIONS.join(', ')}, not "${section}"`);
      only.push(section);
    } else if (name === '--topology') {
      const topology = value();
      if (topology !== 'both' && !isTopology(topology)) return wrong(`--topology takes ${TOPOLOGIES.join(', ')} or both, not "${topology}"`);
      topologies = topology === 'both' ? TOPOLOGIES : [topology];
    } else if (name === '--rounds') {
      rounds = Number(value());
      if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) return wrong(`--rounds takes 1 to ${ROUNDS_MAX}`);
    } else if (name === '--profile') {
      profileDir = value();
      if (profileDir === '') return wrong('--profile takes a directory');
    } else return wrong(`unknown argument ${name ?? ''}`);
  }
  const sections = profileDir !== undefined ? (['pipeline'] as const) : only.length > 0 ? only : SECTIONS;
  return { ok: true, options: { json, quick, only: sections, rounds: rounds ?? (quick ? ROUNDS_QUICK : ROUNDS), topologies, ...(profileDir === undefined ? {} : { profileDir }) } };
};
