import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

/** A service that is up and still not ready says in its log what for. */
const READY_MS_MAX = 15_000;
const LOOK_MS = 50;
const ANSWER_MS_MAX = 2_000;

const Report = z.object({ checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })) });

/** What keeps it from being ready, in its own words; `undefined` when nothing does. */
const lacking = async (port: number): Promise<string | undefined> => {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    const report = Report.safeParse(await response.json());
    if (response.ok) return undefined;
    const failed = Object.entries(report.success ? report.data.checks : {}).filter(([, { ok }]) => !ok);
    return failed.length === 0 ? 'see its log' : failed.map(([name, { detail }]) => (detail === undefined ? name : `${name}: ${detail}`)).join('; ');
  } catch {
    // Not listening, or too busy to answer: not ready.
    return 'see its log';
  }
};

/** `undefined` once the process whose health pages are on `port` says it is ready; what it lacks when that takes too long. */
export const waitReady = async (port: number, signal: AbortSignal): Promise<string | undefined> => {
  const untilMs = performance.now() + READY_MS_MAX;
  let lacks: string | undefined;
  do {
    lacks = await lacking(port);
    if (lacks === undefined) return undefined;
    await delay(LOOK_MS);
  } while (!signal.aborted && performance.now() < untilMs);
  return lacks;
};
