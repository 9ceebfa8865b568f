import { controlSubject, processStream, type HeartbeatV1 } from '@tallystick/contracts';
import type { DesiredState, ProcessEvent } from '@tallystick/domain';
import { OwnedStream, type OwnedFailure, type OwnedOutcome } from '@tallystick/event-sourcing';
import { recordContext, type ServicePorts } from '../shared/service-ports.ts';
import { Child } from './child.ts';
import { describeInstance, exitText, type InstanceView } from './describe.ts';
import { evolveInstance, instanceFolding, type InstanceSpec, type InstanceState, type Run } from './instance-state.ts';
import { SUPERVISION_LIMITS, type SupervisionLimits } from './limits.ts';
import type { ChildExit, ProcessPort, ProcessRef } from './process-port.ts';
import { Restarts } from './restarts.ts';

/** How a strategy's code is started; `undefined` for one that is not known here. */
export type LaunchOf = (spec: InstanceSpec) => { readonly file: string; readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> } | undefined;

export interface SupervisorPorts {
  readonly processes: ProcessPort;
  readonly launchOf: LaunchOf;
  /** Whether heartbeats can be heard at all. */
  readonly busConnected: () => boolean;
  /** Default SUPERVISION_LIMITS. */
  readonly limits?: SupervisionLimits;
}

type Opened = Awaited<ReturnType<typeof OwnedStream.open<InstanceState, ProcessEvent>>>;

export type Desired = { readonly ok: true } | OwnedFailure;

/** How often the end of a process that was asked to leave is looked for. */
const END_LOOK_MS = 20;

/**
 * Keeps one instance as its stream says it should be. Steps in order: intended in the log, spawned, recorded. So a crash between
 * any two leaves either nothing or a process that carries its run id, which is found and adopted or ended before anything is started.
 */
export class InstanceKeeper {
  private owned: OwnedStream<InstanceState, ProcessEvent> | undefined;
  private opening: Promise<Opened> | undefined;
  /** As it is durable: what could not be recorded is not acted upon. */
  private known: InstanceState | undefined;
  private child: Child | undefined;
  private readonly limits: SupervisionLimits;
  private readonly restarts: Restarts;
  private nextStartAtMs = 0;
  private heartbeatAtMs: number | undefined;
  private steppedDown: string | undefined;
  private working: Promise<void> | undefined;
  private again = false;
  private leavingForGood = false;

  constructor(
    private readonly world: ServicePorts,
    private readonly ports: SupervisorPorts,
    readonly instanceId: string,
    private readonly onOwnershipLost: (detail: string) => void,
  ) {
    this.limits = ports.limits ?? SUPERVISION_LIMITS;
    this.restarts = new Restarts(this.limits);
  }

  /** Records what the instance should be from now on; nothing when it should be just that already. */
  async desire(spec: InstanceSpec, desired: DesiredState, reason: string): Promise<Desired> {
    const outcome = await this.submit(reason, (state) => (isAs(state, spec, desired) ? [] : [{
      type: 'InstanceDesired', data: { instance_id: this.instanceId, strategy: spec.strategy, strategy_version: spec.strategyVersion, account: spec.account, mode: spec.mode, desired, reason } }]));
    if (!outcome.ok) return outcome;
    this.restarts.forget();
    this.nextStartAtMs = 0;
    this.look();
    return { ok: true };
  }

  heard(heartbeat: HeartbeatV1): void {
    if (heartbeat.run_id !== this.child?.process.runId) return;
    this.heartbeatAtMs = this.world.ports.clock.nowMs();
    this.child.heard(this.world.ports.clock.monotonicMs());
  }

  view(): InstanceView {
    const { ports } = this.world;
    return describeInstance({
      instanceId: this.instanceId, state: this.known, child: this.child, heartbeatAtMs: this.heartbeatAtMs, steppedDown: this.steppedDown,
      retryInMs: Math.max(0, this.nextStartAtMs - ports.clock.monotonicMs()),
    });
  }

  /** One look at what is and what should be, and what follows. Never two at once; one asked for meanwhile follows. */
  reconcile(): Promise<void> {
    this.again = true;
    this.working ??= this.work().finally(() => {
      this.working = undefined;
    });
    return this.working;
  }

  /** Ends the process, whatever is desired, and records its end where the store can. Resolves when it is gone. */
  async end(): Promise<void> {
    this.leavingForGood = true;
    // A start in hand is finished first, then ended like any other.
    await this.reconcile();
    while (this.child && this.steppedDown === undefined) {
      await this.world.ports.timers.sleep(END_LOOK_MS, 'end of an instance');
      await this.reconcile();
    }
    await this.owned?.idle();
  }

  /** Stops looking; the process runs on. */
  async leave(): Promise<void> {
    this.steppedDown = 'left to the next supervisor';
    await this.working;
    await this.owned?.idle();
  }

  /** For news that come by themselves: nobody waits for what follows. */
  private look(): void {
    this.reconcile().catch((error: unknown) => this.world.log.write('error', 'instance.not_kept', { instance: this.instanceId, error }));
  }

  private async work(): Promise<void> {
    while (this.again && this.steppedDown === undefined) {
      this.again = false;
      // A step that changed something is followed by another look.
      while (this.steppedDown === undefined && (await this.step())) continue;
    }
  }

  private async step(): Promise<boolean> {
    const opened = await this.open();
    const state = this.known;
    if (!opened.ok || !state) return this.endWithoutStore();
    const exit = this.child?.ended();
    if (this.child && exit) return this.recordExit(this.child, exit);
    if (this.child) return this.watch(this.child, state);
    if (state.run && state.run.stage !== 'exited') return this.recover(state, state.run);
    const wanted = state.desired === 'running' && !this.leavingForGood;
    return wanted && state.spec !== undefined && this.world.ports.clock.monotonicMs() >= this.nextStartAtMs ? this.start(state.spec) : false;
  }

  /** What must end must end although nothing can be written down. */
  private endWithoutStore(): boolean {
    if (this.leavingForGood && this.child) {
      if (this.child.ended()) this.child = undefined;
      else this.child.leave(this.world.ports.clock.monotonicMs());
    }
    return false;
  }

  private async watch(child: Child, state: InstanceState): Promise<boolean> {
    const nowMs = this.world.ports.clock.monotonicMs();
    const { run } = state;
    if (run?.runId === child.process.runId && run.stage === 'intended') await this.recordStarted(child.process);
    if (state.desired === 'stopped' || this.leavingForGood) {
      if (!child.isLeaving()) this.sayGoodbye(state.reason);
      child.leave(nowMs);
      return false;
    }
    const silentMs = child.silence(nowMs, this.ports.busConnected());
    if (silentMs !== undefined) {
      this.world.log.write('warn', 'instance.silent', { instance: this.instanceId, silent_ms: silentMs });
      this.world.metrics.count('tally_instance_silences_total');
      await this.record(() => [{ type: 'InstanceSilent', data: { instance_id: this.instanceId, run_id: child.process.runId, silent_ms: Math.round(silentMs) } }]);
      child.leave(nowMs);
    } else if (child.isLeaving()) child.leave(nowMs);
    return false;
  }

  private sayGoodbye(reason: string): void {
    this.world.bus.announce(controlSubject(this.instanceId), { version: 1, command: 'stop', reason: reason.slice(0, 256), deadline_ms: this.world.ports.clock.nowMs() + this.limits.killAfterMs });
  }

  /** A run of an earlier supervisor: adopted when it is there, recorded as over when it is not. What carries another run's id is ended. */
  private async recover(state: InstanceState, run: Run): Promise<boolean> {
    const found = this.ports.processes.find(this.instanceId);
    this.endAll(found.filter(({ runId }) => runId !== run.runId));
    const ofRun = found.filter(({ runId }) => runId === run.runId);
    const leader = ofRun.find(({ pid }) => pid === run.pid) ?? ofRun[0];
    if (leader && (run.pid === undefined || leader.pid === run.pid)) {
      this.world.log.write('info', 'instance.adopted', { instance: this.instanceId, run_id: run.runId, pid: leader.pid });
      this.child = new Child(leader, this.ports.processes, this.limits, this.world.ports.clock.monotonicMs(), undefined, () => undefined);
      return true;
    }
    // Its own process is gone; what it left behind goes too.
    this.endAll(ofRun);
    const exited = await this.record((now) => (now.run?.runId === run.runId && now.run.stage !== 'exited'
      ? [{ type: 'InstanceExited', data: { instance_id: this.instanceId, run_id: run.runId, detail: run.stage === 'intended' ? 'never seen running' : 'was gone when the supervisor came back' } }] : []));
    return exited && state.desired === 'running';
  }

  private async start(spec: InstanceSpec): Promise<boolean> {
    const launch = this.ports.launchOf(spec);
    if (!launch) {
      await this.desire(spec, 'stopped', `STRATEGY_UNKNOWN: no code for strategy ${spec.strategy} is known here`);
      return false;
    }
    const strays = this.ports.processes.find(this.instanceId);
    if (strays.length > 0) {
      this.endAll(strays);
      this.nextStartAtMs = this.world.ports.clock.monotonicMs() + this.limits.straysGoneWithinMs;
      return false;
    }
    const runId = this.world.ports.ids.unique('run');
    if (!(await this.record((state) => (state.desired === 'running' && (state.run === undefined || state.run.stage === 'exited')
      ? [{ type: 'InstanceStartIntended', data: { instance_id: this.instanceId, run_id: runId } }] : [])))) return false;
    // Somebody may have changed their mind in the same breath: then nothing was recorded, and nothing is spawned.
    if (this.known?.run?.runId !== runId) return false;
    this.world.failpoints.at('supervisor.intended');
    const spawned = await this.ports.processes.spawn({ instanceId: this.instanceId, runId, ...launch });
    if (!spawned.ok) return this.recordFailedSpawn(runId, spawned.detail);
    this.world.failpoints.at('supervisor.spawned');
    this.child = new Child(spawned.process, this.ports.processes, this.limits, this.world.ports.clock.monotonicMs(), spawned.exited, () => this.look());
    this.heartbeatAtMs = undefined;
    this.world.log.write('info', 'instance.started', { instance: this.instanceId, run_id: runId, pid: spawned.process.pid });
    this.world.metrics.count('tally_instance_starts_total');
    await this.recordStarted(spawned.process);
    return false;
  }

  private async recordStarted({ pid, startedAtMs, runId }: ProcessRef): Promise<void> {
    await this.record((state) => (state.run?.runId === runId && state.run.stage === 'intended'
      ? [{ type: 'InstanceStarted', data: { instance_id: this.instanceId, run_id: runId, pid, started_at_ms: startedAtMs } }] : []));
  }

  private async recordFailedSpawn(runId: string, detail: string): Promise<boolean> {
    const recorded = await this.record(() => [{ type: 'InstanceExited', data: { instance_id: this.instanceId, run_id: runId, detail: `SPAWN_FAILED: ${detail}`.slice(0, 512) } }]);
    await this.afterCrash(0, `could not be started: ${detail}`);
    return recorded;
  }

  private async recordExit(child: Child, exit: ChildExit): Promise<boolean> {
    const { runId } = child.process;
    // Its children carry its run id too: none may go on trading without it.
    this.endAll(this.ports.processes.find(this.instanceId));
    const detail = exitText(exit, child.adopted);
    const recorded = await this.record((state) => (state.run?.runId === runId && state.run.stage !== 'exited' ? [{
      type: 'InstanceExited', data: { instance_id: this.instanceId, run_id: runId, detail, ...(exit.exitCode === undefined ? {} : { exit_code: exit.exitCode }), ...(exit.signal === undefined ? {} : { signal: exit.signal }) },
    }] : []));
    if (!recorded) {
      if (this.leavingForGood) this.child = undefined;
      return false;
    }
    this.child = undefined;
    this.world.log.write('info', 'instance.exited', { instance: this.instanceId, run_id: runId, detail });
    if (this.known?.desired === 'running' && !this.leavingForGood) await this.afterCrash(this.world.ports.clock.monotonicMs() - child.sinceMs, detail);
    return true;
  }

  private async afterCrash(ranMs: number, detail: string): Promise<void> {
    const spec = this.known?.spec;
    if (!spec) return;
    this.world.metrics.count('tally_instance_crashes_total');
    const nowMs = this.world.ports.clock.monotonicMs();
    const after = this.restarts.crashed(nowMs, ranMs);
    if (spec.mode === 'live') await this.desire(spec, 'stopped', `LIVE_NOT_RESTARTED: it ${detail}; live is started by a person`);
    else if (after.kind === 'give_up') await this.desire(spec, 'stopped', `CRASH_LOOP: ${after.crashes} ends within the window, the last: ${detail}`);
    else this.nextStartAtMs = nowMs + after.afterMs;
  }

  private endAll(processes: readonly ProcessRef[]): void {
    for (const process of processes) {
      this.world.log.write('warn', 'instance.stray_ended', { instance: this.instanceId, pid: process.pid, run_id: process.runId });
      this.ports.processes.kill(process);
    }
  }

  /** Once at a time: two memories of one stream would contend with each other. */
  private open(): Promise<Opened> {
    if (this.owned) return Promise.resolve({ ok: true, owned: this.owned });
    this.opening ??= OwnedStream.open(this.world.store, instanceFolding, processStream(this.instanceId)).then((opened) => {
      this.opening = undefined;
      if (opened.ok) {
        this.owned = opened.owned;
        this.known = opened.owned.peek();
      } else this.noteFailure(opened);
      return opened;
    });
    return this.opening;
  }

  /** Decides on the state as it is when its turn comes. */
  private async submit(why: string, decide: (state: InstanceState) => readonly ProcessEvent[]): Promise<OwnedOutcome<InstanceState>> {
    const opened = await this.open();
    if (!opened.ok) return opened;
    const outcome = await opened.owned.submit(this.context(why), (state) => {
      const events = decide(state);
      return { facts: events.map((event) => this.fact(event)), result: events.reduce(evolveInstance, state) };
    });
    if (outcome.ok) this.known = outcome.result;
    else this.noteFailure(outcome);
    return outcome;
  }

  /** True when it is durable, or there was nothing to record. */
  private async record(decide: (state: InstanceState) => readonly ProcessEvent[]): Promise<boolean> {
    return (await this.submit('supervise', decide)).ok;
  }

  private noteFailure(failure: { readonly code: string; readonly detail: string }): void {
    this.world.log.write('warn', 'instance.not_recorded', { instance: this.instanceId, code: failure.code, detail: failure.detail });
    if (failure.code !== 'OWNERSHIP_LOST') return;
    this.steppedDown = `another supervisor keeps it: ${failure.detail}`;
    this.onOwnershipLost(failure.detail);
  }

  private fact(event: ProcessEvent) {
    // Fresh, as of a claim: of two supervisors only one may believe that its start is the one.
    return { id: this.world.ports.ids.unique('process'), event };
  }

  private context(causationId: string) {
    return recordContext(this.world, '', { correlationId: this.instanceId, causationId: causationId.slice(0, 128) });
  }
}

const isAs = (state: InstanceState, spec: InstanceSpec, desired: DesiredState): boolean =>
  state.desired === desired && state.spec?.strategy === spec.strategy && state.spec.strategyVersion === spec.strategyVersion
  && state.spec.account === spec.account && state.spec.mode === spec.mode;
