import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { judged, type CaseContext, type CaseOutcome } from '../case.ts';
import { finding, type Finding } from '../findings.ts';
import { copyStore, recordFiles } from './disk.ts';
import { BREACHES, judge, type Breach, type Verdict } from './judge.ts';
import { Ledger, streamsOf, type SentAppend } from './ledger.ts';
import type { Load } from './load.ts';
import { reservePort } from './port.ts';
import { readServed, readWhatIsServed } from './served.ts';
import { StoreServer, type ServerOptions, type Started } from './server.ts';

/** Names of the figures that are added up over all cases. */
export const FIGURE = { injected: 'faults injected', missed: 'asked for, not reached', judgements: 'judgements', looked: 'acknowledged events looked for' } as const;

const EXIT_CANNOT_START = 2;
/** What cannot be excused by a part of the log being refused. */
const CONTENT: readonly Breach[] = ['duplicated', 'altered', 'damaged', 'invented'];

const CLAIMS: Readonly<Record<Breach, string>> = {
  lost: 'no acknowledged event is lost',
  duplicated: 'no event is there twice',
  reordered: 'every event is where it was acknowledged, in the order of time',
  altered: 'every event has the content that was sent',
  damaged: 'no damaged event is served',
  torn: 'an append without an answer is there whole, or not at all',
  invented: 'nothing is there that was not sent, or was refused',
  disagreeing: 'each stream, the whole log and both clients agree',
};

export interface WorldOptions {
  readonly context: CaseContext;
  readonly name: string;
  /** Of the server under test, over all of its starts. */
  readonly port: number;
  /** Where its data lies; default: with all else of the case. */
  readonly parent?: string;
  readonly ledger?: Ledger;
}

/** One data directory, and what was sent to the servers that had it. */
export class World {
  readonly ledger: Ledger;
  readonly dataDir: string;
  private readonly options: WorldOptions;
  private copies = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.ledger = options.ledger ?? new Ledger();
    this.dataDir = join(options.parent ?? options.context.dir, options.name);
  }

  get port(): number {
    return this.options.port;
  }

  server(options: Partial<ServerOptions> = {}): StoreServer {
    const { dataDir, port, options: { context: { root, dir } } } = this;
    return new StoreServer({ root, runDir: dir, dataDir, port, ...options });
  }

  /** A path of its own with the case's other data, under a name that says what for. */
  beside(what: string): string {
    return join(this.options.context.dir, `${this.options.name}-${what}-${++this.copies}`);
  }

  /** Of a directory that no server has. */
  copy(what = 'copy', from = this.dataDir): string {
    return copyStore(from, this.beside(what));
  }
}

/** One kind of fault on its way: what was asked for, what happened, and what was found afterwards. */
export class Trial {
  readonly context: CaseContext;
  readonly figures: Record<string, string | number> = {};
  private readonly happened = new Map<string, number>();
  private readonly missed: string[] = [];
  private readonly breaches = new Map<Breach, string[]>(BREACHES.map((breach) => [breach, []]));
  private readonly claims = new Map<string, { readonly differences: string[]; looked: number }>();
  private judgements = 0;
  private looked = 0;
  private unanswered = 0;
  private refusals = 0;
  private worlds = 0;

  constructor(context: CaseContext) {
    this.context = context;
  }

  /** A directory with nothing in it yet. */
  async world(parent?: string): Promise<World> {
    return new World({ context: this.context, name: `data-${++this.worlds}`, port: await reservePort(), ...(parent !== undefined && { parent }) });
  }

  /** One that begins with a directory, which no server has, and what was sent to it. */
  async fork(dir: string, appends: readonly SentAppend[]): Promise<World> {
    const fork = new World({ context: this.context, name: `data-${++this.worlds}`, port: await reservePort(), ledger: Ledger.of(appends) });
    copyStore(dir, fork.dataDir);
    return fork;
  }

  /** A fault that took place. */
  injected(kind: string): void {
    this.happened.set(kind, (this.happened.get(kind) ?? 0) + 1);
  }

  /** One that was asked for and did not: it counts for nothing. */
  notReached(what: string): void {
    this.missed.push(what);
  }

  /** One more look at a claim of this fault's own; `difference` says how it did not hold. */
  claim(claim: string, difference: string | undefined): void {
    const known = this.claims.get(claim) ?? { differences: [], looked: 0 };
    this.claims.set(claim, known);
    known.looked += 1;
    if (difference !== undefined) known.differences.push(difference);
  }

  /** Adds to a figure. */
  add(figure: string, n: number): void {
    this.figures[figure] = Number(this.figures[figure] ?? 0) + n;
  }

  /** What writers have to say when they are through. */
  sumUp(load: Load): void {
    this.claim('no writer got an answer that cannot be', load.wrong.length === 0 ? undefined : load.wrong.slice(0, 3).join('; '));
    this.claim('a subscriber over all of it was given every acknowledged event, once and in order', load.misled.length === 0 ? undefined : load.misled.slice(0, 3).join('; '));
    this.add('appends acknowledged', load.acknowledged);
    this.add('appends repeated after an unknown outcome', load.repeated);
    this.add('races lost on shared streams', load.races);
  }

  /** Counts what a comparison found; `only` narrows it to what can be asked of the moment. */
  count(verdict: Verdict, what: string, only: readonly Breach[] = BREACHES): boolean {
    this.judgements += 1;
    this.looked += verdict.acknowledged;
    this.unanswered += verdict.unanswered.present + verdict.unanswered.absent;
    for (const breach of only) this.breaches.get(breach)?.push(...verdict.breaches[breach].map((text) => `${what}: ${text}`));
    return only.every((breach) => verdict.breaches[breach].length === 0);
  }

  /** What a running server serves against what was sent. */
  async judgeServer(port: number, what: string, appends: readonly SentAppend[]): Promise<boolean> {
    return this.count(judge(appends, await readServed(port, streamsOf(appends))), what);
  }

  /** What a server gives away while something may be wrong with its disk: it may refuse, but what it serves is right. Gives what it refused. */
  async judgeContent(port: number, what: string, ledger: Ledger): Promise<readonly string[]> {
    const { served, refused } = await readWhatIsServed(port, ledger.streams());
    // As it is after the reading: writers may be at work meanwhile.
    this.count(judge(ledger.snapshot(), served), what, CONTENT);
    return refused;
  }

  /**
   * What a fresh server serves of a directory, which it gets for itself. The copy is removed when all held, and stays for a look when not.
   * Gives the server with its last words.
   */
  async judgeCopy(world: World, dir: string, what: string, appends: readonly SentAppend[] = world.ledger.snapshot()): Promise<StoreServer> {
    const server = world.server({ dataDir: dir, port: 0 });
    const started = await server.started();
    this.claim('a fresh server starts on what was left', started.ok ? undefined : `${what}: ${started.said} (${dir})`);
    if (!started.ok) return server;
    const held = await this.judgeServer(started.port, `${what} (${dir})`, appends);
    await server.end();
    if (held) rmSync(dir, { recursive: true, force: true });
    return server;
  }

  /** No server serves this directory: the start ends with the store's own refusal, and log and mark stay as they are. */
  async judgeRefusal(world: World, dir: string, what: string): Promise<void> {
    const server = world.server({ dataDir: dir, port: 0 });
    const files = recordFiles(dir);
    const started = await server.started();
    if (started.ok) await server.end();
    this.refusal(started, dir, what, files);
  }

  /** Refused as damaged, or served exactly. Gives which. */
  async judgeEither(world: World, dir: string, what: string, appends: readonly SentAppend[]): Promise<'refused' | 'served'> {
    const server = world.server({ dataDir: dir, port: 0 });
    const files = recordFiles(dir);
    const started = await server.started();
    if (!started.ok) {
      this.refusal(started, dir, what, files);
      return 'refused';
    }
    const held = await this.judgeServer(started.port, `${what} (${dir})`, appends);
    await server.end();
    if (held) rmSync(dir, { recursive: true, force: true });
    return 'served';
  }

  private refusal(started: Started, dir: string, what: string, before: ReadonlyMap<string, Buffer>): void {
    const right = !started.ok && started.code === 'STORE_DAMAGED' && started.exit.code === EXIT_CANNOT_START;
    this.claim(`a start is refused with STORE_DAMAGED and exit code ${EXIT_CANNOT_START}`, right ? undefined : `${what}: ${started.ok ? 'it serves' : `exit ${started.exit.code ?? started.exit.signal}, ${started.said}`} (${dir})`);
    this.refusals += 1;
    const now = recordFiles(dir);
    const touched = [...new Set([...before.keys(), ...now.keys()])].filter((file) => now.get(file)?.equals(before.get(file) ?? Buffer.of()) !== true);
    this.claim('a refused start leaves log and mark as they are', touched.length === 0 ? undefined : `${what}: ${touched.join(', ')} (${dir})`);
    if (right && touched.length === 0) rmSync(dir, { recursive: true, force: true });
  }

  outcome(): CaseOutcome {
    const injected = [...this.happened.values()].reduce((sum, n) => sum + n, 0);
    const kinds = [...this.happened].map(([kind, n]) => `${n} ${kind}`).join(', ');
    const findings: Finding[] = [
      finding('faults were injected', injected > 0 ? [] : [`none of ${this.missed.length} that were asked for: ${this.missed.slice(0, 3).join('; ')}`], kinds),
      ...[...this.claims].map(([claim, { differences, looked }]) => finding(claim, differences, `${looked} times`)),
      ...BREACHES.map((breach) => finding(CLAIMS[breach], this.breaches.get(breach) ?? [], `0 ${breach}`)),
      finding('what was left was looked at', this.looked > 0 || this.refusals > 0 ? [] : ['nothing was'], `${this.judgements} times, ${this.looked} acknowledged events looked for, ${this.unanswered} without an answer, ${this.refusals} starts refused`),
    ];
    const counts = Object.fromEntries(BREACHES.map((breach): [string, number] => [breach, this.breaches.get(breach)?.length ?? 0]));
    return judged(findings, {
      [FIGURE.injected]: injected, ...(this.missed.length > 0 && { [FIGURE.missed]: this.missed.length, 'not reached': this.missed.slice(0, 5).join('; ') }),
      [FIGURE.judgements]: this.judgements, [FIGURE.looked]: this.looked, ...counts, ...this.figures,
    });
  }
}
