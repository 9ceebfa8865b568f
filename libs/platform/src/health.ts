import type { Timers } from '@tallystick/ports';

export interface CheckResult {
  readonly ok: boolean;
  readonly detail?: string;
}

export interface HealthReport {
  readonly ok: boolean;
  readonly checks: Readonly<Record<string, CheckResult>>;
}

export type HealthCheck = () => CheckResult | Promise<CheckResult>;

export interface HealthRegistry {
  /** `live`: the process is beyond repair when this fails. `ready`: it should get no work for now. Throws on a name used twice. */
  register(name: string, kind: 'live' | 'ready', check: HealthCheck): void;
  live(): Promise<HealthReport>;
  /** All checks: what is not alive is not ready. */
  ready(): Promise<HealthReport>;
}

// A probe gives up after a second or more: a check that hangs must be an answer before that.
const CHECK_MS_MAX = 800;

/** Named checks, asked together. One that throws or does not answer within 800 ms has failed; its words are not repeated. */
export const createHealth = (timers: Timers): HealthRegistry => {
  const checks = new Map<string, { readonly kind: 'live' | 'ready'; readonly check: HealthCheck }>();

  const ask = async (check: HealthCheck): Promise<CheckResult> => {
    const answered = new AbortController();
    const late = timers.sleep(CHECK_MS_MAX, 'health.check', answered.signal).then((): CheckResult => ({ ok: false, detail: `no answer within ${CHECK_MS_MAX} ms` }));
    const asked = (async () => check())().catch((error: unknown): CheckResult => ({ ok: false, detail: error instanceof Error ? error.name : typeof error }));
    const result = await Promise.race([asked, late]);
    answered.abort();
    return result;
  };

  const report = async (kinds: readonly string[]): Promise<HealthReport> => {
    const entries = [...checks].filter(([, { kind }]) => kinds.includes(kind));
    const results = await Promise.all(entries.map(async ([name, { check }]) => [name, await ask(check)] as const));
    return { ok: results.every(([, { ok }]) => ok), checks: Object.fromEntries(results) };
  };

  return {
    register: (name, kind, check) => {
      if (checks.has(name)) throw new Error(`health check ${name} is registered twice`);
      checks.set(name, { kind, check });
    },
    live: () => report(['live']),
    ready: () => report(['live', 'ready']),
  };
};
