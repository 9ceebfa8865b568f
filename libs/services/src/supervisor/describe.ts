import type { DesiredState } from '@tallystick/domain';
import type { Child } from './child.ts';
import type { InstanceSpec, InstanceState } from './instance-state.ts';
import type { ChildExit } from './process-port.ts';

/** Wanted and actual, with the difference in a sentence. Heartbeat: process time, UTC. */
export interface InstanceView {
  readonly instanceId: string;
  readonly spec?: InstanceSpec;
  readonly desired: DesiredState;
  readonly actual: 'running' | 'starting' | 'silent' | 'stopped';
  readonly detail: string;
  readonly pid?: number;
  /** Runs since it was last told to run, less one. */
  readonly restarts: number;
  readonly heartbeatAtMs?: number;
}

export const exitText = (exit: ChildExit, adopted: boolean): string => {
  if (adopted) return 'ended; it was adopted, so nobody was told how';
  if (exit.signal !== undefined) return `ended by ${exit.signal}`;
  return exit.exitCode === undefined ? 'ended' : `exited with ${exit.exitCode}`;
};

const seconds = (ms: number): string => `${Math.ceil(ms / 1000)} s`;

const actualOf = (child: Child | undefined, desired: DesiredState): InstanceView['actual'] => {
  if (!child) return 'stopped';
  if (child.isLeaving() && desired === 'running') return 'silent';
  return child.hasBeenHeard() ? 'running' : 'starting';
};

export const describeInstance = (known: {
  readonly instanceId: string;
  readonly state: InstanceState | undefined;
  readonly child: Child | undefined;
  readonly heartbeatAtMs: number | undefined;
  readonly steppedDown: string | undefined;
  readonly retryInMs: number;
}): InstanceView => {
  const { instanceId, state, child, heartbeatAtMs } = known;
  const desired = state?.desired ?? 'stopped';
  const last = state?.run?.detail;
  const sentence = (): string => {
    if (known.steppedDown !== undefined) return known.steppedDown;
    if (!state) return 'its stream could not be read yet';
    if (child?.isLeaving()) return desired === 'stopped' ? 'leaving' : 'silent, being ended';
    if (child) return child.hasBeenHeard() ? 'running' : 'started, not heard of yet';
    if (desired === 'stopped') return `stopped: ${state.reason}`;
    return `wanted running, ${last ?? 'not started yet'}, ${known.retryInMs > 0 ? `retry in ${seconds(known.retryInMs)}` : 'starting'}`;
  };
  return {
    instanceId, desired, actual: actualOf(child, desired), detail: sentence(), restarts: Math.max(0, (state?.runs ?? 0) - 1),
    ...(state?.spec ? { spec: state.spec } : {}), ...(child ? { pid: child.process.pid } : {}), ...(heartbeatAtMs === undefined ? {} : { heartbeatAtMs }),
  };
};
