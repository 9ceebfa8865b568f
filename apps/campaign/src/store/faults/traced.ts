import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import type { CampaignCase, CaseContext, CaseOutcome } from '../../case.ts';
import { LIGHT, Load } from '../load.ts';
import { losePower, type Before } from '../power.ts';
import type { Exit, StoreServer } from '../server.ts';
import { readTrace, straceTool, traced } from '../strace.ts';
import type { Trace } from '../trace.ts';
import { Trial, type World } from '../trial.ts';

/** More than any drawn place is away: a fault that has not happened by then is not going to. */
const APPENDS_MAX = 4_000;
/** What there is to lose before the first fault. */
const BASE_APPENDS = 200;
/** After so many a new one: a log that has lived through some is worth breaking, but all of it is read after each. */
const FAULTS_A_WORLD = 16;

export interface Round {
  /** strace's words for what goes wrong. */
  readonly inject: readonly string[];
  readonly what: string;
  /** Only calls on these files count; then there is nothing to know a loss of power by. */
  readonly only?: readonly string[];
  /** What happens while the load runs; default: appends until the server ends. */
  readonly during?: (server: StoreServer, port: number) => Promise<void>;
}

export interface RoundEnd {
  readonly server: StoreServer;
  readonly exit: Exit;
  readonly trace: Trace;
  /** It ended without our doing. */
  readonly byItself: boolean;
  /** It had come to serve before. */
  readonly served: boolean;
}

/** A case that needs strace: skipped with the reason where there is none that can do it. */
export const tracedCase = (name: string, title: string, work: (trial: Trial, strace: string) => Promise<void>): CampaignCase => ({
  name, title,
  run: async (context: CaseContext): Promise<CaseOutcome> => {
    const tool = await straceTool(context.root);
    if (!tool.ok) return { kind: 'skipped', reason: tool.reason };
    const trial = new Trial(context);
    await work(trial, tool.path);
    return trial.outcome();
  },
});

export interface Settled {
  readonly world: World;
  readonly load: Load;
}

/** A world with some events in it, its server stopped, and writers that come back to whatever is started on it. */
export const settled = async (trial: Trial, appends = BASE_APPENDS): Promise<Settled> => {
  const world = await trial.world();
  const server = world.server();
  const load = new Load({ port: await server.port(), ledger: world.ledger, random: trial.context.random.fork('load'), plan: LIGHT, prefix: 'traced' });
  await load.more(appends);
  await server.end('SIGKILL');
  return { world, load };
};

/** Every append that is still open gets its answer from a server without faults; then what there is is judged a last time. */
export const settle = async (trial: Trial, world: World, load: Load): Promise<void> => {
  const server = world.server();
  await server.port();
  await load.finish();
  await server.end('SIGKILL');
  await trial.judgeCopy(world, world.copy(), 'in the end');
  trial.sumUp(load);
};

/** So many faults, some after the other in one world, each world settled in the end. `nth` counts from 1. */
export const inWorlds = async (trial: Trial, faults: number, inject: (settled: Settled, nth: number) => Promise<void>): Promise<void> => {
  for (let done = 0; done < faults; done += FAULTS_A_WORLD) {
    const { world, load } = await settled(trial);
    for (let nth = done + 1; nth <= Math.min(done + FAULTS_A_WORLD, faults); nth += 1) await inject({ world, load }, nth);
    await settle(trial, world, load);
  }
};

/** One start of the server under strace, until it ends. */
export const tracedRound = async (strace: string, world: World, load: Load, { inject, what, only, during }: Round): Promise<RoundEnd> => {
  const output = world.beside('trace');
  const server = world.server(traced(strace, { inject, output, ...(only && { only }) }));
  const started = await server.started();
  if (started.ok) await (during?.(server, started.port) ?? load.more(APPENDS_MAX, server.exited));
  else if (started.exit.signal === null && started.exit.code !== 2) throw new Error(`${what}: the server under strace did not start: ${started.said}`);
  const byItself = server.exit !== undefined;
  const exit = byItself ? await server.exited : await server.end('SIGKILL');
  const trace = await readTrace(output, server.pid);
  rmSync(output);
  return { server, exit, trace, byItself, served: started.ok };
};

/** Judges what is left twice: as the process left it, and as a loss of power would have left it. */
export const judgeRemains = async (trial: Trial, world: World, what: string, remains: { readonly before: Before; readonly trace: Trace }): Promise<void> => {
  const appends = world.ledger.snapshot();
  const copy = world.copy('power');
  const uncertain = losePower(copy, remains.trace, remains.before, { directory: basename(world.dataDir), random: trial.context.random });
  trial.add('bytes that a loss of power could take', uncertain);
  await Promise.all([trial.judgeCopy(world, world.copy(), what, appends), trial.judgeCopy(world, copy, `${what}, and the power lost`, appends)]);
};
