import { describe, expect, it } from '@jest/globals';
import { processStream } from '@tallystick/contracts';
import type { JsonObject } from '@tallystick/ports';
import type { InstanceSpec } from './instance-state.ts';
import { SUPERVISION_LIMITS } from './limits.ts';
import type { ChildExit, ProcessPort, ProcessRef } from './process-port.ts';
import { manualWorld, type ManualWorld } from './spec-world.ts';
import { Supervisor } from './supervisor.ts';

const SPEC: InstanceSpec = { instanceId: 'strat-acc', strategy: 'strat', strategyVersion: '1', account: 'acc', mode: 'paper' };
const STREAM = processStream(SPEC.instanceId);

interface FakeProcess extends ProcessRef {
  readonly instanceId: string;
  end(exit: ChildExit): void;
  ended?: ChildExit;
  /** Does not react to SIGTERM. */
  stubborn: boolean;
}

/** A machine whose processes end when told. */
const fakeMachine = () => {
  const processes: FakeProcess[] = [];
  const signals: string[] = [];
  let pid = 100;
  const running = (): FakeProcess[] => processes.filter(({ ended }) => ended === undefined);
  const at = (ref: ProcessRef): FakeProcess | undefined => running().find((one) => one.pid === ref.pid && one.runId === ref.runId);
  const make = (instanceId: string, runId: string): { made: FakeProcess; exited: Promise<ChildExit> } => {
    let tell: (exit: ChildExit) => void = () => undefined;
    const exited = new Promise<ChildExit>((resolve) => (tell = resolve));
    const made: FakeProcess = {
      pid: (pid += 1), startedAtMs: pid, runId, instanceId, stubborn: false,
      end: (exit) => {
        made.ended ??= exit;
        tell(made.ended);
      },
    };
    processes.push(made);
    return { made, exited };
  };
  const state = { failSpawn: false, stubborn: false };
  const port: ProcessPort = {
    spawn: ({ instanceId, runId }) => {
      if (state.failSpawn) return Promise.resolve({ ok: false, code: 'SPAWN_FAILED', detail: 'no such file' });
      const { made, exited } = make(instanceId, runId);
      made.stubborn = state.stubborn;
      return Promise.resolve({ ok: true, process: made, exited });
    },
    isRunning: (ref) => at(ref) !== undefined,
    signal: (ref, signal) => {
      const found = at(ref);
      signals.push(`${signal} ${ref.runId}`);
      if (found && (signal === 'SIGKILL' || !found.stubborn)) found.end({ signal });
      return found !== undefined;
    },
    kill: (ref) => {
      const found = at(ref);
      found?.end({ signal: 'SIGKILL' });
      return found !== undefined;
    },
    find: (instanceId) => running().filter((one) => one.instanceId === instanceId),
  };
  return { port, processes, running, signals, make, state };
};

const supervising = async (made: ManualWorld = manualWorld(), machine = fakeMachine()) => {
  const bus = { connected: true };
  const lost: string[] = [];
  const supervisor = new Supervisor(made.world, { processes: machine.port, launchOf: ({ strategy }) => (strategy === 'strat' ? { file: 'node', args: ['strat.js'], env: {} } : undefined), busConnected: () => bus.connected },
    (detail) => lost.push(detail));
  const starting = supervisor.start();
  await made.advance(0);
  await starting;
  const beat = (run = machine.running()[0]?.runId ?? ''): void => supervisor.heard({
    version: 1, instance_id: SPEC.instanceId, run_id: run, strategy: { id: 'strat', version: '1' }, account: 'acc', mode: 'paper', time_ms: made.nowMs(), status: 'running',
  } satisfies JsonObject);
  const alive = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      beat();
      await made.advance(1_000);
    }
  };
  const run = async (spec: InstanceSpec = SPEC): Promise<void> => {
    const desired = supervisor.desire(spec, 'running', 'asked for');
    await made.advance(0);
    expect(await desired).toMatchObject({ ok: true });
  };
  return { made, machine, supervisor, bus, lost, beat, alive, run, view: () => supervisor.instances()[0] };
};

const types = async (made: ManualWorld): Promise<string[]> => {
  const read = await made.store.read(STREAM);
  return read.ok ? read.events.map(({ type }) => type) : [];
};
const newest = async (made: ManualWorld): Promise<JsonObject> => {
  const read = await made.store.read(STREAM);
  return (read.ok ? read.events.at(-1)?.data : undefined) ?? {};
};

describe('the supervisor', () => {
  it('starts what should run: intended, spawned, recorded, in this order', async () => {
    const { made, machine, run, beat, view } = await supervising();
    const spawn = machine.port.spawn.bind(machine.port);
    let before: string[] = [];
    Object.assign(machine.port, { spawn: async (request: Parameters<typeof spawn>[0]) => {
      before = await types(made);
      return spawn(request);
    } });
    await run();
    expect(before).toEqual(['InstanceDesired', 'InstanceStartIntended']);
    expect(await types(made)).toEqual(['InstanceDesired', 'InstanceStartIntended', 'InstanceStarted']);
    expect(view()).toMatchObject({ desired: 'running', actual: 'starting', pid: 101, restarts: 0, detail: 'started, not heard of yet' });
    beat();
    expect(view()).toMatchObject({ actual: 'running', detail: 'running', heartbeatAtMs: made.nowMs() });
  });

  it('records a wish once, and starts nothing twice for it', async () => {
    const { made, machine, run } = await supervising();
    await run();
    await run();
    await made.advance(5_000);
    expect(machine.processes).toHaveLength(1);
    expect((await types(made)).filter((type) => type === 'InstanceDesired')).toHaveLength(1);
  });

  it('starts again what ended, waiting longer each time, and says so in a sentence', async () => {
    const { made, machine, run, view } = await supervising();
    await run();
    const waits: number[] = [];
    for (let crash = 0; crash < 4; crash += 1) {
      machine.running()[0]?.end({ exitCode: 1 });
      await made.advance(0);
      expect(view()?.detail).toMatch(/^wanted running, exited with 1, retry in \d+ s$/);
      let waited = 0;
      while (machine.running().length === 0 && waited < 60_000) {
        await made.advance(250);
        waited += 250;
      }
      waits.push(waited);
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
    expect(await newest(made)).toMatchObject({ pid: 105 });
    expect(view()).toMatchObject({ restarts: 4 });
  });

  it('gives a crash loop up, with the reason in the log', async () => {
    const { made, machine, run, view } = await supervising();
    await run();
    for (let crash = 0; crash < 20; crash += 1) {
      machine.running()[0]?.end({ exitCode: 1 });
      await made.advance(31_000);
    }
    expect(machine.processes).toHaveLength(SUPERVISION_LIMITS.crashesMax);
    expect(await newest(made)).toMatchObject({ desired: 'stopped', reason: expect.stringContaining('CRASH_LOOP') as unknown as string });
    expect(view()).toMatchObject({ desired: 'stopped', actual: 'stopped', detail: expect.stringContaining('CRASH_LOOP') as unknown as string });
    await run();
    expect(machine.running()).toHaveLength(1);
  });

  it('does not hold old crashes against what has run well since', async () => {
    const { made, machine, run, alive } = await supervising();
    await run();
    for (let crash = 0; crash < 12; crash += 1) {
      await alive(120_000);
      machine.running()[0]?.end({ exitCode: 1 });
      await made.advance(750);
      expect(machine.running()).toHaveLength(1);
    }
  });

  it('does not start live again by itself', async () => {
    const { made, machine, run } = await supervising();
    await run({ ...SPEC, mode: 'live' });
    machine.running()[0]?.end({ signal: 'SIGSEGV' });
    await made.advance(60_000);
    expect(machine.processes).toHaveLength(1);
    expect(await newest(made)).toMatchObject({ desired: 'stopped', reason: 'LIVE_NOT_RESTARTED: it ended by SIGSEGV; live is started by a person' });
  });

  it('treats a program that cannot be started like one that crashes', async () => {
    const { made, machine, run } = await supervising();
    machine.state.failSpawn = true;
    await run();
    await made.advance(0);
    expect(await types(made)).toEqual(['InstanceDesired', 'InstanceStartIntended', 'InstanceExited']);
    expect(await newest(made)).toMatchObject({ detail: 'SPAWN_FAILED: no such file' });
    machine.state.failSpawn = false;
    await made.advance(600);
    expect(machine.running()).toHaveLength(1);
  });

  it('stops a strategy whose code it does not know, and says so', async () => {
    const { made, machine, run } = await supervising();
    await run({ ...SPEC, strategy: 'other' });
    await made.advance(1_000);
    expect(machine.processes).toHaveLength(0);
    expect(await newest(made)).toMatchObject({ desired: 'stopped', reason: expect.stringContaining('STRATEGY_UNKNOWN') as unknown as string });
  });

  describe('silence', () => {
    it('ends and restarts what is not heard of any more', async () => {
      const { made, machine, run, alive } = await supervising();
      await run();
      await alive(5_000);
      await made.advance(9_000);
      expect(machine.processes).toHaveLength(1);
      await made.advance(3_000);
      expect(machine.signals[0]).toMatch(/^SIGTERM/);
      expect(await types(made)).toContain('InstanceSilent');
      expect(machine.running()).toHaveLength(1);
      expect(machine.processes).toHaveLength(2);
    });

    it('gives a start more time to be heard of', async () => {
      const { made, machine, run } = await supervising();
      await run();
      await made.advance(29_000);
      expect(machine.processes).toHaveLength(1);
      await made.advance(3_000);
      expect(machine.processes).toHaveLength(2);
    });

    it('means nothing while the bus is away, nor right after it came back', async () => {
      const { made, machine, run, alive, bus } = await supervising();
      await run();
      await alive(5_000);
      bus.connected = false;
      await made.advance(3_600_000);
      bus.connected = true;
      await made.advance(9_000);
      expect(machine.processes).toHaveLength(1);
      expect(await types(made)).not.toContain('InstanceSilent');
    });

    it('is not broken by the heartbeat of another run', async () => {
      const { made, machine, run, beat } = await supervising();
      await run();
      for (let second = 0; second < 32; second += 1) {
        beat('an-older-run');
        await made.advance(1_000);
      }
      expect(machine.processes).toHaveLength(2);
    });
  });

  describe('a stop', () => {
    it('asks first and ends what does not listen', async () => {
      const { made, machine, supervisor, run, alive, view } = await supervising();
      machine.state.stubborn = true;
      await run();
      await alive(2_000);
      const stopping = supervisor.desire(SPEC, 'stopped', 'enough');
      await made.advance(0);
      await stopping;
      expect(made.announced).toMatchObject([{ subject: 'tally.control.strat-acc', body: { command: 'stop', reason: 'enough', deadline_ms: made.nowMs() + 5_000 } }]);
      await made.advance(4_900);
      expect(machine.signals.map((signal) => signal.split(' ')[0])).toEqual(['SIGTERM']);
      await made.advance(500);
      expect(machine.signals.map((signal) => signal.split(' ')[0])).toEqual(['SIGTERM', 'SIGKILL']);
      expect(await newest(made)).toMatchObject({ signal: 'SIGKILL', detail: 'ended by SIGKILL' });
      await made.advance(60_000);
      expect(machine.processes).toHaveLength(1);
      expect(view()).toMatchObject({ actual: 'stopped', detail: 'stopped: enough' });
    });

    it('of the supervisor ends all processes and changes no wish', async () => {
      const { made, machine, supervisor, run } = await supervising();
      await run();
      const stopping = supervisor.stop('end');
      await made.advance(1_000);
      await stopping;
      expect(machine.running()).toHaveLength(0);
      expect(await types(made)).toEqual(['InstanceDesired', 'InstanceStartIntended', 'InstanceStarted', 'InstanceExited']);
      const next = await supervising(made, machine);
      await made.advance(500);
      expect(machine.running()).toHaveLength(1);
      expect(next.view()).toMatchObject({ desired: 'running' });
    });
  });

  describe('without the store', () => {
    it('starts nothing that is not written down first', async () => {
      const { made, machine, run } = await supervising();
      await run();
      made.store.failNext('append', 'unavailable', 1);
      made.store.failNext('append', 'unknown_not_written', 1);
      machine.running()[0]?.end({ exitCode: 1 });
      await made.advance(400);
      expect(machine.running()).toHaveLength(0);
      await made.advance(5_000);
      expect(machine.running()).toHaveLength(1);
      expect((await types(made)).slice(3)).toEqual(['InstanceExited', 'InstanceStartIntended', 'InstanceStarted']);
    });

    it('spawns nothing for a start that may have been written, and only writes down that it never ran', async () => {
      const { made, machine, run } = await supervising();
      await run();
      machine.running()[0]?.end({ exitCode: 1 });
      await made.advance(0);
      made.store.failNext('append', 'unknown_written');
      await made.advance(10_000);
      expect(machine.processes).toHaveLength(2);
      expect((await types(made)).slice(4)).toEqual(['InstanceStartIntended', 'InstanceExited', 'InstanceStartIntended', 'InstanceStarted']);
    });

    it('writes down later what it could not write down at once, and starts nothing twice meanwhile', async () => {
      const made = manualWorld();
      const { machine, run } = await supervising(made);
      const spawn = machine.port.spawn.bind(machine.port);
      Object.assign(machine.port, { spawn: (request: Parameters<typeof spawn>[0]) => {
        made.store.failNext('append', 'unavailable', 3);
        return spawn(request);
      } });
      await run();
      await made.advance(5_000);
      expect(machine.processes).toHaveLength(1);
      expect(await types(made)).toEqual(['InstanceDesired', 'InstanceStartIntended', 'InstanceStarted']);
    });
  });

  describe('after a crash of its own', () => {
    const crashAt = async (point: string) => {
      const made = manualWorld();
      const machine = fakeMachine();
      const first = await supervising(made, machine);
      made.dieAt = point;
      const desired = first.supervisor.desire(SPEC, 'running', 'asked for');
      desired.catch(() => undefined);
      // The dead supervisor never looks again.
      await made.advance(0).catch(() => undefined);
      await first.supervisor.stop('leave').catch(() => undefined);
      made.dieAt = undefined;
      return { made, machine };
    };

    it('between intention and spawn, starts what was intended, once', async () => {
      const { made, machine } = await crashAt('supervisor.intended');
      expect(machine.processes).toHaveLength(0);
      await supervising(made, machine);
      await made.advance(2_000);
      expect(machine.processes).toHaveLength(1);
      expect(await types(made)).toEqual(['InstanceDesired', 'InstanceStartIntended', 'InstanceExited', 'InstanceStartIntended', 'InstanceStarted']);
    });

    it('between spawn and record, finds the orphan and adopts it', async () => {
      const { made, machine } = await crashAt('supervisor.spawned');
      expect(machine.running()).toHaveLength(1);
      const next = await supervising(made, machine);
      await made.advance(2_000);
      expect(machine.processes).toHaveLength(1);
      expect(await types(made)).toEqual(['InstanceDesired', 'InstanceStartIntended', 'InstanceStarted']);
      next.beat();
      expect(next.view()).toMatchObject({ actual: 'running', pid: 101 });
    });

    it('adopts what runs, sees it end, and starts it again', async () => {
      const made = manualWorld();
      const machine = fakeMachine();
      const first = await supervising(made, machine);
      await first.run();
      await first.supervisor.stop('leave');
      const next = await supervising(made, machine);
      await next.alive(5_000);
      expect(machine.processes).toHaveLength(1);
      machine.running()[0]?.end({ exitCode: 3 });
      await made.advance(1_000);
      expect(machine.processes).toHaveLength(2);
      expect((await types(made)).slice(3)).toEqual(['InstanceExited', 'InstanceStartIntended', 'InstanceStarted']);
    });

    it('ends what it adopted when it should not run any more', async () => {
      const made = manualWorld();
      const machine = fakeMachine();
      const first = await supervising(made, machine);
      await first.run();
      await first.supervisor.stop('leave');
      const next = await supervising(made, machine);
      const stopping = next.supervisor.desire(SPEC, 'stopped', 'enough');
      await made.advance(1_000);
      await stopping;
      expect(machine.running()).toHaveLength(0);
      expect(await newest(made)).toMatchObject({ detail: 'ended; it was adopted, so nobody was told how' });
    });

    it('ends strays of runs that are not the newest before it starts another', async () => {
      const made = manualWorld();
      const machine = fakeMachine();
      const first = await supervising(made, machine);
      await first.run();
      await first.supervisor.stop('leave');
      machine.running()[0]?.end({ exitCode: 1 });
      machine.make(SPEC.instanceId, 'a-run-long-gone');
      const next = await supervising(made, machine);
      await made.advance(3_000);
      expect(machine.running()).toHaveLength(1);
      expect(machine.running()[0]?.runId).not.toBe('a-run-long-gone');
      expect(next.view()).toMatchObject({ desired: 'running' });
    });
  });

  it('leaves no child of a run behind when its process ends', async () => {
    const { made, machine, run } = await supervising();
    await run();
    const leader = machine.running()[0];
    machine.make(SPEC.instanceId, leader?.runId ?? '');
    leader?.end({ exitCode: 0 });
    await made.advance(1_000);
    expect(machine.running()).toHaveLength(1);
    expect(machine.running()[0]?.runId).not.toBe(leader?.runId);
  });

  it('steps down from an instance that another supervisor writes to, and starts nothing more', async () => {
    const made = manualWorld();
    const machine = fakeMachine();
    const first = await supervising(made, machine);
    const second = await supervising(made, machine);
    await first.run();
    const desired = second.supervisor.desire(SPEC, 'stopped', 'no');
    await made.advance(0);
    await desired;
    machine.running()[0]?.end({ exitCode: 1 });
    await made.advance(30_000);
    expect(first.lost).toHaveLength(1);
    expect(first.view()?.detail).toMatch(/another supervisor keeps it/);
    expect(machine.running()).toHaveLength(0);
  });
});
