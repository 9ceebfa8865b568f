/** A process as the machine knows it: the pid may be given to another one, its start time and run id may not. */
export interface ProcessRef {
  readonly pid: number;
  /** Process time, UTC, as the machine says. */
  readonly startedAtMs: number;
  /** One start of an instance; the process and its children carry it in their environment. */
  readonly runId: string;
}

export interface ChildExit {
  readonly exitCode?: number;
  readonly signal?: string;
}

export interface SpawnRequest {
  readonly instanceId: string;
  readonly runId: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Added to what every child gets; the port adds TALLY_INSTANCE and TALLY_RUN_ID. */
  readonly env: Readonly<Record<string, string>>;
}

export type Spawned =
  | { readonly ok: true; readonly process: ProcessRef; readonly exited: Promise<ChildExit> }
  | { readonly ok: false; readonly code: 'SPAWN_FAILED'; readonly detail: string };

/** Child processes of this machine. Children lead a process group of their own and outlive whoever started them. */
export interface ProcessPort {
  spawn(request: SpawnRequest): Promise<Spawned>;
  /** The same process, not another one with its pid; a zombie does not run. */
  isRunning(process: ProcessRef): boolean;
  /** To its group while the process itself runs, else to nobody. False when it was not there. */
  signal(process: ProcessRef, signal: 'SIGTERM' | 'SIGKILL'): boolean;
  /** To this one process, not its group. */
  kill(process: ProcessRef): boolean;
  /** Every running process that carries the instance in its environment, whoever started it, oldest first. */
  find(instanceId: string): readonly ProcessRef[];
}
