import type { Probe } from '@tallystick/services/gateway';
import { z } from 'zod';

/** A health page answers in milliseconds; a screen should not wait longer for one that does not. */
const PROBE_MS_MAX = 1_500;

const Report = z.object({ ok: z.boolean(), checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })).default({}) });

/** Asks `<url>/readyz`, which names the checks that fail. */
export const probe = async (url: string): Promise<Probe> => {
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/readyz`, { signal: AbortSignal.timeout(PROBE_MS_MAX) });
    const report = Report.safeParse(await response.json());
    if (!report.success) return { kind: 'answered', ok: response.ok };
    const failed = Object.entries(report.data.checks).filter(([, check]) => !check.ok).map(([name, check]) => (check.detail === undefined ? name : `${name}: ${check.detail}`));
    return { kind: 'answered', ok: report.data.ok, ...(failed.length === 0 ? {} : { detail: failed.join('; ') }) };
  } catch (error) {
    return { kind: 'silent', detail: error instanceof Error && error.name === 'TimeoutError' ? `no answer within ${PROBE_MS_MAX} ms` : 'not reachable' };
  }
};
