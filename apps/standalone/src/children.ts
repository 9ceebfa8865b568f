import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child, STAGES, type ChildSpec, type Stage } from './child.ts';
import type { ReadyLine } from './child-output.ts';
import { messageOf, type Refusal } from './refusal.ts';
import { Sentinel } from './sentinel.ts';

/** All of it must be over by then; whatever is left is killed. */
const STOP_MS_MAX = 9_000;
/** No stage may use up what the later ones need. */
const STAGE_MS_MAX = 3_000;

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

  constructor(private readonly options: ChildrenOptions) {
    mkdirSync(join(options.dataDir, 'logs'), { recursive: true });
    this.sentinel = new Sentinel((detail) => options.note(`the sentinel that ends orphans: ${detail}`));
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
      const withinMs = Math.max(0, Math.min(STAGE_MS_MAX, untilMs - performance.now()));
      await Promise.all(this.list().filter((child) => child.spec.stage === stage).map((child) => child.stop(withinMs)));
    }
    this.close();
  }

  /** At once, in no order. */
  kill(): void {
    for (const child of this.list()) child.kill();
    this.close();
  }

  private close(): void {
    this.closed = true;
    this.sentinel.close();
    this.write({ pid: process.pid, stopped: true, children: {} });
  }

  private record(): void {
    if (this.closed) return;
    const children = Object.fromEntries(this.list().map((child) => [child.spec.name, { pid: child.pid, ready: child.isReady(), restarts: child.restarts, ports: child.spec.ports }]));
    this.write({ pid: process.pid, stopped: false, sentinel: this.sentinel.pid, children });
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
