import { setTimeout as delay } from 'node:timers/promises';
import type { Finding } from '../findings.ts';
import { agreement, type Halves } from '../oracle/agreement.ts';
import { asJson, text } from '../oracle/json.ts';
import { readLog } from '../oracle/log.ts';
import type { Standalone } from '../system/standalone.ts';
import { ask } from '../wire/http.ts';
import { INITIAL_CASH } from './afternoon.ts';

const MOVING = ['APPROVED', 'CLAIMED', 'IN_DOUBT'];
const SETTLE_MS_MAX = 120_000;
/** What was on its way when the market stopped is there within this; a report that needs longer is late. */
const REST_MS_MAX = 20_000;

export interface AtRest extends Halves {
  readonly findings: readonly Finding[];
}

/** The gateway says that nothing is between decision and venue, twice in a row: a hint when to look, not a judgement. */
const quiet = async (system: Standalone, orders: number): Promise<void> => {
  const token = text(system.secrets(), 'operator_token');
  let before = '';
  await system.until(`${orders} orders to be decided and sent`, SETTLE_MS_MAX, async () => {
    const { body } = await ask({ method: 'GET', url: `${system.gatewayUrl()}/v1/status`, headers: { authorization: `Bearer ${token}` } });
    const counts = asJson(asJson(body)['orders']);
    const total = Object.values(counts).reduce<number>((sum, n) => sum + Number(n), 0);
    const now = total >= orders && MOVING.every((state) => counts[state] === undefined) ? text(body, 'position') : '';
    const settled = now !== '' && now === before;
    before = now;
    if (!settled) await delay(200);
    return settled ? true : undefined;
  });
};

/**
 * Waits until everything is decided and sent, halts the market by stopping (SIGSTOP) the one process that moves it, and lays log and
 * book beside each other until they agree or the time is up. The market goes on afterwards.
 */
export const atRest = async (system: Standalone, orders: number): Promise<AtRest> => {
  await quiet(system, orders);
  const conductor = Number(text(system.run(), 'pid'));
  process.kill(conductor, 'SIGSTOP');
  try {
    const untilMs = performance.now() + REST_MS_MAX;
    for (;;) {
      const halves = { log: await readLog(system.storeUrl()), book: await system.book() };
      const findings = agreement(halves, { initialCash: INITIAL_CASH, mayRest: true });
      if (findings.every(({ held }) => held) || performance.now() > untilMs) return { ...halves, findings };
      await delay(500);
    }
  } finally {
    process.kill(conductor, 'SIGCONT');
  }
};

/** Whatever was started, by whatever way it ends. */
export const withSystem = async <T>(system: Standalone, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } finally {
    await system.destroy();
  }
};

