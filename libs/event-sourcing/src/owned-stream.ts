import type { EventStore, NewEvent } from '@tallystick/ports';
import { load, type Folding, type LoadFailure } from './load.ts';
import { chain, type ChainEnd, type DomainEvent, type Fact, type RecordContext } from './record.ts';

export type OwnedFailure =
  | LoadFailure
  | { readonly ok: false; readonly code: 'APPEND_OUTCOME_UNKNOWN'; readonly detail: string }
  /** Somebody else wrote to it: this writer must not go on without asking whether it still owns the stream. */
  | { readonly ok: false; readonly code: 'OWNERSHIP_LOST'; readonly detail: string };

/** `revision` is that of the newest event when the task was done, its own if it recorded any. */
export type OwnedOutcome<R> = { readonly ok: true; readonly result: R; readonly position: bigint; readonly revision: number | 'no_stream' } | OwnedFailure;

interface Task<S, E> {
  readonly run: (state: S) => { readonly facts: readonly Fact<E>[]; readonly result: unknown };
  readonly settle: (outcome: OwnedOutcome<unknown>) => void;
  readonly fail: (error: unknown) => void;
  readonly context: RecordContext;
}

/** The store refuses appends of 1 MiB; half of it leaves room, and a task larger than this goes alone. */
const GROUP_BYTES_MAX = 512 * 1024;
/** What waits longer than this many tasks is refused upstream by the message window. */
const GROUP_TASKS_MAX = 256;

/**
 * A stream with one writer, held in memory. Tasks decide one after the other on the state that the ones before left behind; what
 * they decide is appended in groups at an explicit revision, which is the fence: of two writers only one can win. Nothing is
 * answered before it is durable; a failed append throws the memory away and folds the stream again.
 */
export class OwnedStream<S, E extends DomainEvent> {
  private state: S;
  private end: ChainEnd;
  private position: bigint;
  private readonly queue: Task<S, E>[] = [];
  private running: Promise<void> | undefined;
  private broken: OwnedFailure | undefined;

  private constructor(
    private readonly store: EventStore,
    private readonly folding: Folding<S, E>,
    readonly stream: string,
    loaded: { readonly state: S; readonly end: ChainEnd; readonly position?: bigint },
  ) {
    this.state = loaded.state;
    this.end = loaded.end;
    this.position = loaded.position ?? -1n;
  }

  static async open<S, E extends DomainEvent>(store: EventStore, folding: Folding<S, E>, stream: string): Promise<{ readonly ok: true; readonly owned: OwnedStream<S, E> } | LoadFailure> {
    const read = await load(store, folding, stream);
    return read.ok ? { ok: true, owned: new OwnedStream(store, folding, stream, read.loaded) } : read;
  }

  /** The state as decided so far, some of it perhaps not durable yet. For reading only. */
  peek(): S {
    return this.state;
  }

  revision(): number | 'no_stream' {
    return this.end.revision;
  }

  /**
   * Runs when its turn comes; settles when what it decided is durable. A task without facts settles after those before it are. Rejects
   * only with what the task itself throws, a programmer's error; nothing of that task is recorded.
   */
  submit<R>(context: RecordContext, run: (state: S) => { readonly facts: readonly Fact<E>[]; readonly result: R }): Promise<OwnedOutcome<R>> {
    return new Promise((resolve, reject) => {
      this.queue.push({ run, context, fail: reject, settle: (outcome) => resolve(outcome as OwnedOutcome<R>) });
      this.running ??= this.drain();
    });
  }

  /** Resolves when nothing is queued or in flight. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  private async drain(): Promise<void> {
    // A turn of the microtask queue lets tasks that arrive together share an append.
    await Promise.resolve();
    try {
      while (this.queue.length > 0) {
        if (this.broken && !(await this.recover())) continue;
        await this.appendGroup();
      }
    } finally {
      // In the same turn that finds the queue empty: a task handed over a turn later would wait for a drain that has ended.
      this.running = undefined;
    }
  }

  /** Folds the stream again after a failed append; fails one task per try so that callers see why. */
  private async recover(): Promise<boolean> {
    const read = await load(this.store, this.folding, this.stream);
    if (!read.ok) {
      this.queue.shift()?.settle(read);
      return false;
    }
    this.state = read.loaded.state;
    this.end = read.loaded.end;
    this.position = read.loaded.position ?? -1n;
    this.broken = undefined;
    return true;
  }

  private async appendGroup(): Promise<void> {
    const staged = this.stage();
    for (const [i, append] of staged.appends.entries()) {
      const failed = await this.append(append);
      if (!failed) continue;
      this.broken = failed;
      for (const { tasks } of staged.appends.slice(i)) for (const { task } of tasks) task.settle(failed);
      // Those behind were handed over by an owner; whoever hears of the loss asks before handing over more.
      if (failed.code === 'OWNERSHIP_LOST') for (const task of this.queue.splice(0)) task.settle(failed);
      break;
    }
    if (staged.thrown === undefined) return;
    // What it left behind in memory is not known: the log is.
    this.broken ??= { ok: false, code: 'STREAM_UNREADABLE', detail: 'a task threw while deciding' };
    staged.thrown.task.fail(staged.thrown.error);
  }

  /** Runs tasks one after the other; what they decide is cut into appends that the store takes, never within a task. */
  private stage(): Staged<S, E> {
    const appends: StagedAppend<S, E>[] = [];
    let { end } = this;
    let tasks = 0;
    let groupBytes = 0;
    while (this.queue.length > 0 && tasks < GROUP_TASKS_MAX && groupBytes < GROUP_BYTES_MAX) {
      const task = this.queue.shift();
      if (!task) break;
      let decided: ReturnType<typeof task.run>;
      try {
        decided = task.run(this.state);
      } catch (error) {
        return { appends, thrown: { task, error } };
      }
      const chained = chain(this.stream, end, decided.facts, task.context);
      const { bytes } = chained;
      let revision = nextRevision(end.revision);
      for (const fact of decided.facts) {
        this.state = this.folding.evolve(this.state, fact.event, revision);
        revision += 1;
      }
      end = chained.end;
      let current = appends.at(-1);
      if (!current || (current.bytes > 0 && current.bytes + bytes > GROUP_BYTES_MAX)) {
        current = { events: [], tasks: [], bytes: 0, end };
        appends.push(current);
      }
      current.events.push(...chained.events);
      current.tasks.push({ task, result: decided.result, revision: end.revision });
      current.bytes += bytes;
      current.end = end;
      tasks += 1;
      groupBytes += bytes;
    }
    return { appends };
  }

  private async append({ events, tasks, end }: StagedAppend<S, E>): Promise<OwnedFailure | undefined> {
    if (events.length > 0) {
      const outcome = await this.store.append(this.stream, this.end.revision, events);
      if (!outcome.ok) {
        return outcome.code === 'WRONG_EXPECTED_REVISION'
          ? { ok: false, code: 'OWNERSHIP_LOST', detail: `${this.stream} is at ${outcome.actual}, this writer was at ${this.end.revision}` }
          : outcome;
      }
      this.end = end;
      this.position = outcome.position;
    }
    for (const { task, result, revision } of tasks) task.settle({ ok: true, result, revision, position: this.position });
    return undefined;
  }
}

interface StagedAppend<S, E> {
  readonly events: NewEvent[];
  readonly tasks: { readonly task: Task<S, E>; readonly result: unknown; readonly revision: number | 'no_stream' }[];
  bytes: number;
  end: ChainEnd;
}

interface Staged<S, E> {
  readonly appends: readonly StagedAppend<S, E>[];
  readonly thrown?: { readonly task: Task<S, E>; readonly error: unknown };
}

const nextRevision = (revision: number | 'no_stream'): number => (revision === 'no_stream' ? 0 : revision + 1);
