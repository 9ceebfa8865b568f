import type { EventStore } from '@tallystick/ports';
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
  readonly context: RecordContext;
}

/** The store refuses 1 MiB; half of it leaves room for metadata and for one large event. */
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

  /** Runs when its turn comes; settles when what it decided is durable. A task without facts settles after those before it are. */
  submit<R>(context: RecordContext, run: (state: S) => { readonly facts: readonly Fact<E>[]; readonly result: R }): Promise<OwnedOutcome<R>> {
    return new Promise((resolve) => {
      this.queue.push({ run, context, settle: (outcome) => resolve(outcome as OwnedOutcome<R>) });
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
    const group: { readonly task: Task<S, E>; readonly result: unknown; readonly revision: number | 'no_stream' }[] = [];
    const events = [];
    let end = this.end;
    let bytes = 0;
    while (this.queue.length > 0 && group.length < GROUP_TASKS_MAX && bytes < GROUP_BYTES_MAX) {
      const task = this.queue.shift();
      if (!task) break;
      const { facts, result } = task.run(this.state);
      const chained = chain(this.stream, end, facts, task.context);
      for (const event of chained.events) {
        bytes += JSON.stringify(event.data).length + JSON.stringify(event.metadata).length;
        events.push(event);
      }
      let revision = end.revision === 'no_stream' ? 0 : end.revision + 1;
      for (const fact of facts) {
        this.state = this.folding.evolve(this.state, fact.event, revision);
        revision += 1;
      }
      end = chained.end;
      group.push({ task, result, revision: end.revision });
    }
    if (events.length === 0) {
      for (const { task, result, revision } of group) task.settle({ ok: true, result, revision, position: this.position });
      return;
    }
    const outcome = await this.store.append(this.stream, this.end.revision, events);
    if (outcome.ok) {
      this.end = end;
      this.position = outcome.position;
      for (const { task, result, revision } of group) task.settle({ ok: true, result, revision, position: outcome.position });
      return;
    }
    this.broken = outcome.code === 'WRONG_EXPECTED_REVISION'
      ? { ok: false, code: 'OWNERSHIP_LOST', detail: `${this.stream} is at ${outcome.actual}, this writer was at ${this.end.revision}` }
      : outcome;
    for (const { task } of group) task.settle(this.broken);
    // Those behind were handed over by an owner; whoever hears of the loss asks before handing over more.
    if (this.broken.code === 'OWNERSHIP_LOST') for (const task of this.queue.splice(0)) task.settle(this.broken);
  }
}
