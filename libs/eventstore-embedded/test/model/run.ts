import fc from 'fast-check';
import { commands } from './commands.ts';
import type { State } from './commands.ts';
import { Model } from './model.ts';
import type { StoredEvent } from './model.ts';
import type { Adapter, Host } from './ports.ts';
import { World } from './world.ts';

/** Longer than a busy machine needs. */
const WAIT_MS_MAX = 4_000;
/** While a failure is shrunk: it is one already, and there are dozens of attempts. */
const WAIT_SHRINKING_MS_MAX = 3_000;
/** Then the smallest so far has to do: a test that is ended by its own limit would say nothing. */
const SHRINK_MS_MAX = 90_000;

export interface ModelRunOptions {
  readonly openHost: () => Host;
  readonly connectAdapter: (url: string) => Promise<Adapter>;
  readonly seed: number;
  readonly runs: number;
  readonly commandsMax: number;
  /** Another than the true one, to show that a difference is found. */
  readonly makeModel?: (log: readonly StoredEvent[]) => Model;
}

export interface ModelRun {
  /** Absent when server and model agreed throughout. */
  readonly failure: { readonly commands: readonly string[]; readonly report: string } | undefined;
}

const one = async (options: ModelRunOptions, sequence: Iterable<fc.AsyncCommand<State, World>>, waitMsMax: number): Promise<void> => {
  const { world, log } = await World.open(options.openHost(), options.connectAdapter, waitMsMax);
  try {
    const model = options.makeModel?.(log) ?? new Model(log);
    await fc.asyncModelRun(() => ({ model: { model, sends: [], sent: 0 }, real: world }), sequence);
    await world.expectLog(model);
  } finally {
    await world.close();
  }
};

/** Runs random sequences of commands against a server and the model, a fresh server for each, and shrinks the first that differs. */
export const runModel = async (options: ModelRunOptions): Promise<ModelRun> => {
  let failedAtMs: number | undefined;
  const property = fc.asyncProperty(commands(options.commandsMax), async (sequence) => {
    const isShrinking = failedAtMs !== undefined;
    if (failedAtMs !== undefined && performance.now() - failedAtMs > SHRINK_MS_MAX) return;
    try {
      await one(options, sequence, isShrinking ? WAIT_SHRINKING_MS_MAX : WAIT_MS_MAX);
    } catch (error) {
      failedAtMs ??= performance.now();
      throw error;
    }
  });
  const details = await fc.check(property, { seed: options.seed, numRuns: options.runs });
  if (!details.failed) return { failure: undefined };
  const counterexample = details.counterexample === null ? [] : [...details.counterexample[0]].map(String);
  const why = details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance);
  const report = [
    `after ${details.numRuns} runs and ${details.numShrinks} shrinks, seed ${details.seed} (TALLY_MODEL_SEED=${details.seed} runs it again):`, ...counterexample.map((command) => `  ${command}`), why,
  ].join('\n');
  return { failure: { commands: counterexample, report } };
};
