import { ensureKeys, type PaperMarket } from '@tallystick/host';
import type { BusConnection } from '@tallystick/messaging';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { speedFor, type ChosenMarket, type Options } from './args.ts';
import { Children } from './children.ts';
import type { ChildSpec } from './child.ts';
import { chooseMarket, emptyDataDir, prepareDataDir, rememberMarket, writeSecret, type DataDir } from './data-dir.ts';
import { Instances } from './instances.ts';
import { MarketVoice } from './market-voice.ts';
import { Participants } from './participants.ts';
import { makePlan, natsConfig, readModelFile, SERVICES, STRATEGIES, type Plan, type PortPlan } from './plan.ts';
import { freePort, wantedPort } from './ports.ts';
import { paint, type Progress } from './progress.ts';
import { waitReady } from './readiness.ts';
import { messageOf, Refusal } from './refusal.ts';
import { Replay } from './replay.ts';
import type { Summary } from './summary.ts';
import { marketName } from './summary-text.ts';
import { connectToBus, createWorld, prepareLog, type World } from './world.ts';

/** A market at its own pace goes on for hours: a line a minute is enough where lines stay. */
const PACED_NOTICE_MS = 60_000;

export interface RunInputs {
  readonly options: Options;
  readonly root: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
}

const portPlan = async (options: Options, withStore: boolean): Promise<PortPlan> => {
  const taken = new Set<number>();
  const gateway = await wantedPort(options.port, taken);
  const ops: Record<string, number> = {};
  for (const name of [...SERVICES, 'supervisor', 'gateway']) ops[name] = await freePort(taken);
  return {
    gateway, ops, nats: await freePort(taken), venue: await freePort(taken),
    store: withStore ? await freePort(taken) : undefined, storeHttp: withStore ? await freePort(taken) : undefined,
  };
};

/** The project's own script knows where to look and how to fetch one; npm start has asked it already. */
const findNatsServer = async (root: string, env: RunInputs['env']): Promise<string> => {
  if (env['NATS_SERVER_BIN']) return env['NATS_SERVER_BIN'];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'scripts/nats-server.mjs')], { cwd: root });
    return stdout.trim();
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : '';
    throw new Refusal(said?.replace(/^tallystick: /, '') || `nats-server was not found: ${messageOf(error)}`);
  }
};

/** Everything on this machine, from an empty directory to the end of the market. */
export class Run {
  private readonly children: Children;
  private readonly quit = new AbortController();
  private readonly startedAtMs = Date.now();
  private world: World | undefined;
  private connection: BusConnection | undefined;
  private voice: MarketVoice | undefined;
  private replay: Replay | undefined;
  private instances: Instances | undefined;
  private failed: (why: Refusal) => void = () => undefined;
  private readonly failure: Promise<never>;

  /** The data directory is locked by the caller. */
  constructor(private readonly inputs: RunInputs) {
    this.failure = new Promise((_, reject) => (this.failed = reject));
    this.failure.catch(() => undefined);
    this.children = new Children({ dataDir: inputs.options.dataDir, note: (text) => inputs.progress.note(text), gaveUp: (why) => this.failed(why) });
  }

  /** Resolves with the summary when the market has ended and `--exit` was said; without it, never. Rejects with a Refusal. */
  async run(): Promise<Summary | undefined> {
    return Promise.race([this.all(), this.failure]);
  }

  /** Strategies, then what moves the market, then services, gateway, venue, bus and store. */
  async stop(): Promise<void> {
    this.quit.abort();
    this.world?.stopAsking();
    await this.children.stop({
      services: async () => {
        await this.instances?.stop();
        await this.replay?.stop();
        await this.voice?.stop();
      },
      bus: async () => this.connection?.close(),
      store: async () => this.world?.store.close(),
    });
    this.world?.log.flush();
  }

  kill(): Promise<void> {
    return this.children.kill();
  }

  private async all(): Promise<Summary | undefined> {
    const { options, root, env, progress } = this.inputs;
    const [ports, natsServer] = await Promise.all([portPlan(options, !env['ESDB_URL']), findNatsServer(root, env)]);
    if (options.fresh) emptyDataDir(options.dataDir);
    if (options.fresh && env['ESDB_URL']) progress.note('the event store at ESDB_URL is not ours to empty: its log stays');
    const market = chooseMarket(options.dataDir, options);
    const data = prepareDataDir(options.dataDir);
    ensureKeys(options.dataDir);
    const plan = makePlan({ root, data, ports, market, natsServer, inProcess: options.inProcess, demo: options.profile === 'demo', env });
    mkdirSync(join(options.dataDir, 'nats', 'jetstream'), { recursive: true });
    writeFileSync(join(options.dataDir, 'nats', 'nats.conf'), natsConfig(ports.nats, join(options.dataDir, 'nats', 'jetstream')));
    this.world = createWorld(plan, data, env, (text) => progress.note(text));
    const { known, participants } = await this.bringUp(plan, data, this.world);
    rememberMarket(data.dir, market);
    writeSecret(data.operatorFile, { url: plan.gatewayUrl, token: data.secrets.operator_token, store_url: plan.storeUrl, read_model: readModelFile(data.dir), nats_url: plan.natsUrl });
    this.tell(plan, data);
    return this.play(plan, data, market, known, participants);
  }

  /** Starts everything at once; what needs another waits for it by itself. */
  private async bringUp(plan: Plan, data: DataDir, world: World): Promise<{ known: PaperMarket; participants: Participants }> {
    const { progress, root, options } = this.inputs;
    const pending = new Set(plan.children.map(({ name }) => name));
    const stopShowing = progress.live(() => `  waiting for ${[...pending].join(', ')}`);
    const started = new Map(plan.children.map((spec) => [spec.name, this.bringUpOne(spec, pending)]));
    const all = Promise.all(started.values());
    all.catch(() => undefined);
    const up = (name: string): Promise<unknown> => Promise.race([started.get(name), all]);
    try {
      await Promise.all([up('eventstore'), up('paper-venue')]);
      const known = await world.control.market();
      progress.check('market', `${marketName(known)}, ${known.days.join(', ')}, ${known.instruments.map(({ symbol }) => symbol).join(' ')}`);
      const keyId = await prepareLog(root, data, world, known);
      progress.check('policy', `paper, signed by ${keyId}; kill switch in place`);
      this.instances = new Instances(world.store, this.startedAtMs, () => this.children.record());
      this.instances.start((error) => world.log.write('error', 'instances.not_followed', { error }));
      this.children.include(() => this.instances?.list() ?? new Map());
      await up('nats-server');
      this.connection = await connectToBus(plan, world);
      this.voice = new MarketVoice(this.connection, world.ports.timers);
      const participants = new Participants(this.connection, options.profile === 'demo' ? STRATEGIES.map(({ instance }) => instance) : []);
      const first = await world.control.advance({ until_ms: known.position.time_ms, stop_on_report: false });
      this.voice.follow(() => first.snapshot);
      await all;
      return { known, participants };
    } finally {
      stopShowing();
    }
  }

  private async bringUpOne(spec: ChildSpec, pending: Set<string>): Promise<void> {
    const { progress } = this.inputs;
    await this.children.start(spec);
    const ready = await Promise.all(spec.healthPorts.map((port) => waitReady(port, this.quit.signal)));
    pending.delete(spec.name);
    if (this.quit.signal.aborted) return;
    const lacks = ready.filter((one) => one !== undefined);
    if (lacks.length > 0) progress.note(`${spec.name} runs but is not ready: ${lacks.join('; ')}`);
    const { http, nats, grpc } = spec.ports;
    const own = nats ?? grpc;
    const at = own !== undefined ? `127.0.0.1:${own}` : http === undefined ? '' : `http://127.0.0.1:${http}`;
    progress.check(spec.name, at);
  }

  private tell(plan: Plan, data: DataDir): void {
    const { progress, cwd, root, options } = this.inputs;
    const short = (path: string): string => (relative(cwd, path).startsWith('..') ? path : relative(cwd, path) || '.');
    const bold = (text: string): string => paint(progress.screen, 'bold', text);
    const elsewhere = options.dataDir === join(root, '.data') ? '' : ` --data ${options.dataDir}`;
    progress.line('');
    progress.line(`${bold('Gateway')}  ${plan.gatewayUrl}   ${data.isNew ? `token ${data.secrets.operator_token}` : `token in ${short(data.operatorFile)}`}`);
    progress.line(`${bold('Data')}     ${short(data.dir)}   logs in ${short(join(data.dir, 'logs'))}${data.isNew ? `, the token again in ${short(data.operatorFile)}` : ''}`);
    progress.line(`${bold('Next')}     npm run tally -- order list${elsewhere}`);
    progress.line('');
  }

  private async play(plan: Plan, data: DataDir, choice: ChosenMarket, market: PaperMarket, participants: Participants): Promise<Summary | undefined> {
    const { progress, options } = this.inputs;
    const { world, connection, voice } = this;
    if (!world || !connection || !voice) throw new Error('not connected');
    const stopWaiting = progress.live(() => `  waiting for ${participants.missing().join(', ')}`);
    const taking = await participants.all().finally(stopWaiting);
    const speed = speedFor(options.speed, choice.market);
    const replay = new Replay({ world, plan, data, connection, market, voice, participants: taking, speed });
    this.replay = replay;
    const stopShowing = progress.live(() => replay.line(), speed === 'max' ? undefined : PACED_NOTICE_MS);
    try {
      await replay.run();
    } finally {
      stopShowing();
    }
    if (this.quit.signal.aborted) return undefined;
    progress.line(replay.line());
    if (options.exit) return replay.summary(this.children.restarts());
    progress.note('the market has ended; everything stays up. Ctrl-C stops it, --fresh begins again');
    return new Promise(() => undefined);
  }
}
