import { it } from '@jest/globals';
import { connectTestAdapter } from '@tallystick/testing';
import { processHost } from '../../test/model/host.ts';
import { runModel } from '../../test/model/run.ts';

/** About 15 s on two cores that others use too. `TALLY_MODEL_RUNS` makes it longer, `TALLY_MODEL_SEED` repeats what failed. */
const RUNS = 10;
const COMMANDS_MAX = 40;
/** What one run may take, its shrinking not counted. */
const RUN_MS_MAX = 20_000;

const seed = Number(process.env['TALLY_MODEL_SEED'] ?? Date.now() % 2 ** 31);
const runs = Number(process.env['TALLY_MODEL_RUNS'] ?? RUNS);

it('a server process, through the stock client and the adapter, over restarts and kills, does what a plain array model does', async () => {
  const { failure } = await runModel({ openHost: processHost, connectAdapter: connectTestAdapter, seed, runs, commandsMax: COMMANDS_MAX });
  if (failure !== undefined) throw new Error(failure.report);
}, 180_000 + runs * RUN_MS_MAX);
