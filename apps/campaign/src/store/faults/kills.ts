import { setTimeout as delay } from 'node:timers/promises';
import type { CampaignCase } from '../../case.ts';
import { HEAVY, Load } from '../load.ts';
import { Trial } from '../trial.ts';

/** Appends between two kills: some tens of groups, so that a kill comes in the midst of all that a server does. */
const APPENDS_MIN = 100;
const APPENDS_MAX = 900;
/** After the last of them, so that the kill does not always fall right behind an answer. */
const PAUSE_MS_MAX = 20;
/** Every round begins with an empty directory: what is judged after each kill stays small. */
const KILLS_A_ROUND = 8;

const round = async (trial: Trial, number: number, kills: number): Promise<void> => {
  const { random, say } = trial.context;
  const world = await trial.world();
  let server = world.server();
  const load = new Load({ port: await server.port(), ledger: world.ledger, random: random.fork(`load-${number}`), plan: HEAVY, prefix: `r${number}` });
  for (let kill = 1; kill <= kills; kill += 1) {
    await load.more(random.whole(APPENDS_MIN, APPENDS_MAX));
    await delay(random.next() * PAUSE_MS_MAX);
    const exit = await server.end('SIGKILL');
    if (exit.signal === 'SIGKILL') trial.injected('kill -9 under load');
    else trial.notReached(`the server had ended before: ${exit.code} ${server.complaint()}`);
    await trial.judgeCopy(world, world.copy(), `round ${number}, kill ${kill}`);
    server = world.server();
    await server.port();
  }
  await load.finish();
  await server.end('SIGKILL');
  await trial.judgeCopy(world, world.copy(), `round ${number}, in the end`);
  trial.sumUp(load);
  say(`round ${number}: ${kills} kills, ${load.acknowledged} appends acknowledged`);
};

export const killCase = (kills: number): CampaignCase => ({
  name: 'kill-load',
  title: `kill -9 under load of 44 writers, ${kills} times, restarted each time`,
  run: async (context) => {
    const trial = new Trial(context);
    for (let done = 0, number = 1; done < kills; done += KILLS_A_ROUND, number += 1) await round(trial, number, Math.min(KILLS_A_ROUND, kills - done));
    return trial.outcome();
  },
});
