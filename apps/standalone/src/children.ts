import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child, STAGES, type ChildSpec, type Stage } from './child.ts';
import type { ReadyLine } from './child-output.ts';
import { messageOf, type Refusal } from './refusal.ts';
import { Sentinel } from './sentinel.ts';

/** A process that somebody else keeps, for the list. */
export interface KeptElsewhere {
  readonly pid: number | undefined;
  readonly restarts: number;
}

/** All of it must be over by then; whatever is left is killed. */
const STOP_MS_MAX = 9_000;
/** No stage may use up what the later ones need. The supervisor ends its strategies, which finish their turns first. */
const STAGE_MS_MAX: Readonly<Record<Stage, number>> = { supervisor: 5_000, services: 3_000, gateway: 2_000, venue: 2_000, bus: 2_000, store: 3_000 };

export interface ChildrenOptions {
  readonly dataDir: string;
  readonly note: (text: string) => void;
  readonly gaveUp: (why: Refusal) => void;
}

/** Everything this process has started. Keeps `run.json` in the data directory: name, pid, ports, state of each. */
export class Children {
  private readonly all = new Map<string, Child>();
  private readonly sentinel: Sentinel;
  private closed = false;
  private elsewhere: () => ReadonlyMap<string, KeptElsewhere> = () => new Map();

  constructor(private readonly options: ChildrenOptions) {
    mkdirSync(join(options.dataDir, 'logs'), { recursive: true });
    this.sentinel = new Sentinel(options.dataDir, (detail) => options.note(`the sentinel that ends orphans: ${detail}`));
  }

  /** Resolves when it is ready for the first time. Rejects with a Refusal when it cannot start. */
  start(spec: ChildSpec): Promise<ReadyLine> {
    const child = new Child(spec, join(this.options.dataDir, 'logs'), {
      guard: (group) => this.sentinel.guard(group), release: (group) => this.sentinel.release(group),
      changed: () => this.record(), note: this.options.note, gaveUp: this.options.gaveUp,
    });
    this.all.set(spec.name, child);
    return child.start();
  }

  list(): readonly Child[] {
    return [...this.all.values()];
  }

  get(name: string): Child | undefined {
    return this.all.get(name);
  }

  /** One stage after the other, all of a stage at once. `between` runs before the stage that it names. */
  async stop(between: Partial<Record<Stage, () => Promise<void>>> = {}): Promise<void> {
    const untilMs = performance.now() + STOP_MS_MAX;
    for (const stage of STAGES) {
      await between[stage]?.();
      const withinMs = Math.max(0, Math.min(STAGE_MS_MAX[stage], untilMs - performance.now()));
      await Promise.all(this.list().filter((child) => child.spec.stage === stage).map((child) => child.stop(withinMs)));
    }
    await this.close();
  }

  /** At once, in no order. */
  async kill(): Promise<void> {
    for (const child of this.list()) child.kill();
    await this.close();
  }

  /** Processes that are in the list too, and are kept by another. */
  include(elsewhere: () => ReadonlyMap<string, KeptElsewhere>): void {
    this.elsewhere = elsewhere;
  }

  /** Restarts of all that had any, by name. */
  restarts(): Readonly<Record<string, number>> {
    const own = this.list().map(({ spec, restarts }) => [spec.name, restarts] as const);
    const others = [...this.elsewhere()].map(([name, { restarts }]) => [name, restarts] as const);
    return Object.fromEntries([...own, ...others].filter(([, restarts]) => restarts > 0));
  }

  /** Writes `run.json` as things are. */
  record(): void {
    if (this.closed) return;
    const own = this.list().map((child) => [child.spec.name, { pid: child.pid, ready: child.isReady(), restarts: child.restarts, ports: child.spec.ports }]);
    const others = [...this.elsewhere()].map(([name, { pid, restarts }]) => [name, { pid, ready: pid !== undefined, restarts, ports: {} }]);
    this.write({ pid: process.pid, stopped: false, sentinel: this.sentinel.pid, children: Object.fromEntries([...own, ...others]) });
  }

  private async close(): Promise<void> {
    this.closed = true;
    await this.sentinel.close();
    this.write({ pid: process.pid, stopped: true, children: {} });
  }

  private write(run: object): void {
    const path = join(this.options.dataDir, 'run.json');
    try {
      writeFileSync(`${path}.new`, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
      // Whole or not at all: others read it at any time.
      renameSync(`${path}.new`, path);
    } catch (error) {
      this.options.note(`run.json cannot be written: ${messageOf(error)}`);
    }
  }
}
