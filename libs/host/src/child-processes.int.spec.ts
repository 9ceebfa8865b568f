import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { processStream } from '@tallystick/contracts';
import { LogTail } from '@tallystick/event-sourcing';
import { MemoryStore } from '@tallystick/event-sourcing/testing';
import { recordingLog, silentMetrics, systemPorts } from '@tallystick/platform';
import type { JsonObject } from '@tallystick/ports';
import { SUPERVISION_LIMITS, Supervisor, type InstanceSpec, type ProcessPort, type ProcessRef, type ServicePorts, type SupervisionLimits } from '@tallystick/services';
import { eventually } from '@tallystick/testing';
import { childProcesses } from './child-processes.ts';

const SPEC: InstanceSpec = { instanceId: 'strat-acc', strategy: 'strat', strategyVersion: '1', account: 'acc', mode: 'paper' };
const QUICK: SupervisionLimits = { ...SUPERVISION_LIMITS, lookEveryMs: 20, silentAfterMs: 300, firstHeartbeatWithinMs: 60_000, killAfterMs: 200, backoffMsMin: 10, backoffMsMax: 100, crashesMax: 4, straysGoneWithinMs: 50 };

const RUNS = 'setInterval(() => {}, 1000)';
const DEAF = `process.on('SIGTERM', () => console.log('heard and ignored')); console.log('ready'); ${RUNS}`;
const CRASHES = 'console.log("about to crash"); process.exit(7)';
/** Leaves a process of its own group behind, as daemons do. */
const FORKS = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(RUNS)}], { detached: true, stdio: 'ignore' }).unref(); ${RUNS}`;

describe('child processes under the supervisor', () => {
  let logDir: string;
  let processes: ProcessPort;
  let store: MemoryStore;
  const supervisors: Supervisor[] = [];

  beforeEach(() => {
    logDir = mkdtempSync(join(tmpdir(), 'tally-children-'));
    processes = childProcesses({ logDir });
    store = new MemoryStore({ nowMs: () => Date.now() });
  });
  afterEach(async () => {
    await Promise.all(supervisors.splice(0).map((supervisor) => supervisor.stop('leave')));
    for (const left of processes.find(SPEC.instanceId)) processes.kill(left);
    await eventually('nothing left running', () => processes.find(SPEC.instanceId).length === 0);
    rmSync(logDir, { recursive: true, force: true });
  });

  const supervise = async (code: string, options: { dieAt?: string; limits?: Partial<SupervisionLimits> } = {}): Promise<Supervisor> => {
    const log = recordingLog();
    const ports = systemPorts({ log });
    const world: ServicePorts = {
      identity: { service: 'supervisor', instance: 'supervisor-1', build: 'v0' }, ports, store,
      // Never started: it has nothing.
      tail: new LogTail(store, { name: 'tail', streamPrefixes: [], watchedPrefixes: [], timers: ports.timers, onUnreadable: () => undefined }), log, metrics: silentMetrics, business: { nowMs: () => undefined },
      bus: { send: () => Promise.resolve({ ok: false }), announce: () => undefined, request: () => Promise.resolve(undefined) },
      market: { quote: () => undefined, sequence: () => 0, reached: () => Promise.resolve(false) }, traceparent: () => undefined, inSpan: (_name, _parent, work) => work(),
      failpoints: {
        at: (point) => {
          if (point === options.dieAt) throw new Error(`died at ${point}`);
        },
      },
    };
    const supervisor = new Supervisor(world, { processes, launchOf: () => ({ file: process.execPath, args: ['-e', code], env: { TALLY_STRATEGY: 'strat' } }), busConnected: () => true, limits: { ...QUICK, ...options.limits } });
    supervisors.push(supervisor);
    await supervisor.start();
    return supervisor;
  };
  const events = async (): Promise<{ type: string; data: JsonObject }[]> => {
    const read = await store.read(processStream(SPEC.instanceId));
    return read.ok ? read.events.map(({ type, data }) => ({ type, data })) : [];
  };
  const running = (): readonly ProcessRef[] => processes.find(SPEC.instanceId);
  const oneRunning = (what: string): Promise<ProcessRef> => eventually(what, async () => (await events()).at(-1)?.type === 'InstanceStarted' && running()[0]);
  const output = (): string => readFileSync(join(logDir, `${SPEC.instanceId}.log`), 'utf8');

  it('run with their names in their environment, and write to their log', async () => {
    const supervisor = await supervise('console.log(JSON.stringify([process.env.TALLY_INSTANCE, process.env.TALLY_STRATEGY, process.env.TALLY_RUN_ID, process.env.NODE_ENV])); setInterval(() => {}, 1000)');
    await supervisor.desire(SPEC, 'running', 'spec');
    const child = await oneRunning('the child');
    expect(JSON.parse(await eventually('its output', () => output().trim() || undefined))).toEqual(['strat-acc', 'strat', child.runId, null]);
    expect((await events()).at(-1)?.data).toMatchObject({ pid: child.pid, run_id: child.runId });
    expect(processes.isRunning(child)).toBe(true);
    expect(processes.isRunning({ ...child, runId: 'another run that had this pid' })).toBe(false);
  });

  it('are started again when they end, with how they ended in the log', async () => {
    const supervisor = await supervise(RUNS);
    await supervisor.desire(SPEC, 'running', 'spec');
    const first = await oneRunning('the first');
    process.kill(first.pid, 'SIGKILL');
    const second = await eventually('the second', () => running().find(({ runId }) => runId !== first.runId));
    expect(second.pid).not.toBe(first.pid);
    expect((await events()).find(({ type }) => type === 'InstanceExited')?.data).toMatchObject({ run_id: first.runId, signal: 'SIGKILL' });
  });

  it('are given up when they crash again and again', async () => {
    const supervisor = await supervise(CRASHES);
    await supervisor.desire(SPEC, 'running', 'spec');
    await eventually('the end of trying', () => supervisor.instances()[0]?.detail.includes('CRASH_LOOP'));
    expect(output().match(/about to crash/g)).toHaveLength(4);
    expect((await events()).filter(({ type }) => type === 'InstanceExited').map(({ data }) => data['exit_code'])).toEqual([7, 7, 7, 7]);
    expect(running()).toEqual([]);
  });

  it('are killed when they ignore being asked to leave', async () => {
    const supervisor = await supervise(DEAF);
    await supervisor.desire(SPEC, 'running', 'spec');
    await oneRunning('the child');
    await eventually('its readiness', () => output().includes('ready'));
    await supervisor.desire(SPEC, 'stopped', 'enough');
    await eventually('its end', async () => (await events()).at(-1)?.type === 'InstanceExited');
    expect(output()).toContain('heard and ignored');
    expect((await events()).at(-1)?.data).toMatchObject({ signal: 'SIGKILL' });
  });

  it('are restarted when they are not heard of any more', async () => {
    const supervisor = await supervise(RUNS);
    await supervisor.desire(SPEC, 'running', 'spec');
    const first = await oneRunning('the first');
    supervisor.heard({ version: 1, instance_id: SPEC.instanceId, run_id: first.runId, strategy: { id: 'strat', version: '1' }, account: 'acc', mode: 'paper', time_ms: 1, status: 'running' });
    await eventually('another run', () => running().some(({ runId }) => runId !== first.runId));
    expect((await events()).map(({ type }) => type)).toContain('InstanceSilent');
    expect(processes.isRunning(first)).toBe(false);
  });

  it('take what they forked with them', async () => {
    const supervisor = await supervise(FORKS);
    await supervisor.desire(SPEC, 'running', 'spec');
    const leader = await oneRunning('the child');
    await eventually('the process it forked', () => running().length === 2);
    await supervisor.desire(SPEC, 'stopped', 'enough');
    await eventually('both gone', () => running().length === 0);
    expect((await events()).at(-1)?.data).toMatchObject({ run_id: leader.runId });
  });

  it('run on without their supervisor and are adopted by the next', async () => {
    const first = await supervise(RUNS);
    await first.desire(SPEC, 'running', 'spec');
    const child = await oneRunning('the child');
    await first.stop('leave');
    const next = await supervise(RUNS);
    expect(running()).toEqual([child]);
    expect(next.instances()[0]).toMatchObject({ pid: child.pid, actual: 'starting' });
    await next.desire(SPEC, 'stopped', 'enough');
    await eventually('its end', async () => (await events()).at(-1)?.type === 'InstanceExited');
    expect(running()).toEqual([]);
  });

  it('are found when their supervisor died before it wrote their pid down', async () => {
    const first = await supervise(RUNS, { dieAt: 'supervisor.spawned', limits: { lookEveryMs: 3_600_000 } });
    // It never looks again: dead, as far as anybody can tell.
    await first.desire(SPEC, 'running', 'spec').catch(() => undefined);
    const orphan = await eventually('the orphan', () => running()[0]);
    await first.stop('leave');
    expect((await events()).at(-1)?.type).toBe('InstanceStartIntended');
    await supervise(RUNS);
    await eventually('its adoption', async () => (await events()).at(-1)?.type === 'InstanceStarted');
    expect(running()).toEqual([orphan]);
  });

  it('survive the death of the process that started them', async () => {
    const code = `
      import { childProcesses } from ${JSON.stringify(join(__dirname, 'child-processes.ts'))};
      const port = childProcesses({ logDir: ${JSON.stringify(logDir)} });
      await port.spawn({ instanceId: 'strat-acc', runId: 'run-1', file: process.execPath, args: ['-e', ${JSON.stringify(RUNS)}], env: {} });
      console.log('spawned');
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--conditions=@tallystick/source', '--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => parent.stdout.once('data', resolve));
    const gone = new Promise((resolve) => parent.once('exit', resolve));
    parent.kill('SIGKILL');
    await gone;
    expect(running()).toMatchObject([{ runId: 'run-1' }]);
  });

  it('that cannot be started are a value', async () => {
    expect(await processes.spawn({ instanceId: SPEC.instanceId, runId: 'r', file: '/no/such/program', args: [], env: {} })).toMatchObject({ ok: false, code: 'SPAWN_FAILED' });
  });

  it('of another installation on the machine are not ours', async () => {
    const other = childProcesses({ logDir, installation: join(logDir, 'another') });
    const spawned = await other.spawn({ instanceId: SPEC.instanceId, runId: 'r', file: process.execPath, args: ['-e', RUNS], env: {} });
    expect(running()).toEqual([]);
    expect(other.find(SPEC.instanceId)).toHaveLength(1);
    if (spawned.ok) {
      other.kill(spawned.process);
      await spawned.exited;
    }
  });
});
