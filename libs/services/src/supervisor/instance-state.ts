import { decodeProcess } from '@tallystick/contracts';
import type { DesiredState, Mode, ProcessEvent } from '@tallystick/domain';
import type { Folding } from '@tallystick/event-sourcing';

/** What an instance is: code once, instances many. */
export interface InstanceSpec {
  readonly instanceId: string;
  readonly strategy: string;
  readonly strategyVersion: string;
  readonly account: string;
  readonly mode: Mode;
}

export interface Run {
  readonly runId: string;
  /** `intended`: it may have been spawned, nobody wrote down its pid. */
  readonly stage: 'intended' | 'started' | 'exited';
  readonly pid?: number;
  readonly startedAtMs?: number;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly detail?: string;
}

export interface InstanceState {
  readonly spec?: InstanceSpec;
  readonly desired: DesiredState;
  readonly reason: string;
  readonly run?: Run;
  /** Runs since the instance was last told to run. */
  readonly runs: number;
}

const NO_INSTANCE: InstanceState = { desired: 'stopped', reason: '', runs: 0 };

/** Total: an event of a run that is not the newest changes nothing. */
export const evolveInstance = (state: InstanceState, event: ProcessEvent): InstanceState => {
  switch (event.type) {
    case 'InstanceDesired': {
      const { instance_id: instanceId, strategy, strategy_version: strategyVersion, account, mode, desired, reason } = event.data;
      return { ...state, spec: { instanceId, strategy, strategyVersion, account, mode }, desired, reason, runs: 0 };
    }
    case 'InstanceStartIntended':
      return { ...state, run: { runId: event.data.run_id, stage: 'intended' }, runs: state.runs + 1 };
    case 'InstanceStarted':
      return state.run?.runId !== event.data.run_id || state.run.stage === 'exited'
        ? state : { ...state, run: { runId: event.data.run_id, stage: 'started', pid: event.data.pid, startedAtMs: event.data.started_at_ms } };
    case 'InstanceExited': {
      const { run_id: runId, exit_code: exitCode, signal, detail } = event.data;
      if (state.run?.runId !== runId) return state;
      return { ...state, run: { ...state.run, stage: 'exited', detail, ...(exitCode === undefined ? {} : { exitCode }), ...(signal === undefined ? {} : { signal }) } };
    }
    case 'InstanceSilent':
      return state;
  }
};

export const instanceFolding: Folding<InstanceState, ProcessEvent> = { initial: () => NO_INSTANCE, evolve: evolveInstance, decode: decodeProcess };
