import type { Failpoints, Log } from '@tallystick/ports';

export type FailAction = { readonly kind: 'kill' } | { readonly kind: 'throw' } | { readonly kind: 'delay'; readonly delayMs: number };

export interface FailpointRule {
  readonly point: string;
  readonly action: FailAction;
  /** Only this hit, counted from 1; every hit without it. */
  readonly hit?: number;
}

export type CreatedFailpoints =
  | { readonly ok: true; readonly failpoints: Failpoints; readonly rules: readonly FailpointRule[] }
  | { readonly ok: false; readonly code: 'FAILPOINTS_REFUSED_LIVE' | 'FAILPOINTS_INVALID'; readonly detail: string };

/** Thrown by the action `throw`. */
export class FailpointError extends Error {
  readonly code = 'FAILPOINT';

  constructor(point: string) {
    super(`failpoint ${point}`);
    this.name = 'FailpointError';
  }
}

// `point=kill`, `point=throw@3`, `point=delay:250`.
const RULE = /^([a-z][a-z0-9.-]{0,79})=(kill|throw|delay:(\d{1,6}))(?:@(\d{1,6}))?$/;

export const noFailpoints: Failpoints = { at: () => undefined };

const parseRule = (text: string): FailpointRule | undefined => {
  const match = RULE.exec(text);
  if (match === null) return undefined;
  const [, point = '', name = '', delayMs, hit] = match;
  const action: FailAction = delayMs !== undefined ? { kind: 'delay', delayMs: Number(delayMs) } : { kind: name === 'kill' ? 'kill' : 'throw' };
  if (hit === undefined) return { point, action };
  return Number(hit) < 1 ? undefined : { point, action, hit: Number(hit) };
};

/** Blocks this thread: the process stands still exactly here, as a slow machine would. */
const standStill = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

const killSelf = (): void => {
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way; nothing may happen in between.
  standStill(1_000);
};

/**
 * Failpoints from `TALLY_FAILPOINTS`, a comma-separated list of `point=kill|throw|delay:MS`, each with an optional `@N` for its Nth hit.
 * Without any it does nothing. Refused with `FAILPOINTS_REFUSED_LIVE` when `TALLY_MODE` is `live`, and with `FAILPOINTS_INVALID` when
 * unreadable: a process that was meant to fail must not run as if it were not.
 */
export const createFailpoints = (env: Readonly<Record<string, string | undefined>>, log: Log, kill: () => void = killSelf): CreatedFailpoints => {
  const spec = env['TALLY_FAILPOINTS']?.trim() ?? '';
  if (spec === '') return { ok: true, failpoints: noFailpoints, rules: [] };
  if (env['TALLY_MODE']?.trim().toLowerCase() === 'live') return { ok: false, code: 'FAILPOINTS_REFUSED_LIVE', detail: 'TALLY_FAILPOINTS is set and TALLY_MODE is live' };
  const rules: FailpointRule[] = [];
  for (const text of spec.split(',').map((part) => part.trim())) {
    const rule = parseRule(text);
    if (rule === undefined) return { ok: false, code: 'FAILPOINTS_INVALID', detail: `TALLY_FAILPOINTS: cannot read ${JSON.stringify(text.slice(0, 120))}` };
    rules.push(rule);
  }
  log.write('warn', 'failpoints.armed', { points: rules.map(({ point, action, hit }) => `${point}=${action.kind}${hit === undefined ? '' : `@${hit}`}`) });

  const hits = new Map<string, number>();
  const at = (point: string): void => {
    const hit = (hits.get(point) ?? 0) + 1;
    hits.set(point, hit);
    for (const rule of rules) {
      if (rule.point !== point || (rule.hit !== undefined && rule.hit !== hit)) continue;
      if (rule.action.kind === 'kill') kill();
      else if (rule.action.kind === 'throw') throw new FailpointError(point);
      else standStill(rule.action.delayMs);
    }
  };
  return { ok: true, failpoints: { at }, rules };
};
