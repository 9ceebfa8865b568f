import { isDeepStrictEqual } from 'node:util';
import { EventStoreDBClient } from '@eventstore/db-client';
import { readAll } from './calls.ts';
import type { Found, FoundAppend } from './calls.ts';
import type { Model, Outcome, StoredEvent } from './model.ts';
import type { Adapter, Connections, Host } from './ports.ts';
import type { Watch } from './watch.ts';

/** Of the stock client's calls: longer than a busy machine needs for anything here. */
const DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 2;

const text = (value: unknown): string => JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}n` : one === Infinity ? 'tombstone' : one));

/** Throws with both sides when they differ. */
export const expectSame = (what: string, found: unknown, expected: unknown): void => {
  if (!isDeepStrictEqual(found, expected)) throw new Error(`${what}\n  found    ${text(found)}\n  expected ${text(expected)}`);
};

/** The real side: a server, the clients on it, open subscriptions, and the positions the server gave to places of the log. */
export class World {
  private readonly host: Host;
  private readonly url: string;
  private readonly waitMsMax: number;
  private connected: Connections;
  /** By place in the log. */
  private readonly positions: bigint[] = [];
  private watches: Watch[] = [];

  private constructor({ host, url, adapter, waitMsMax }: { readonly host: Host; readonly url: string; readonly adapter: Adapter; readonly waitMsMax: number }) {
    this.host = host;
    this.waitMsMax = waitMsMax;
    this.url = url;
    this.connected = { stock: this.connectStock(), adapter };
  }

  /** Starts the server. `waitMsMax` is how long subscriptions may take. `log` is what a new log holds of its own. */
  static async open(host: Host, connectAdapter: (url: string) => Promise<Adapter>, waitMsMax: number): Promise<{ readonly world: World; readonly log: readonly StoredEvent[] }> {
    const url = await host.start();
    const world = new World({ host, url, adapter: await connectAdapter(url), waitMsMax });
    const found = await world.readTail();
    world.learn(found);
    return { world, log: found.map(({ position: _, data, ...event }) => ({ ...event, data: data as StoredEvent['data'] })) };
  }

  get connections(): Connections {
    return this.connected;
  }

  /** Position of a place in the log. */
  positionOf(place: number): bigint {
    return this.positions[place]!;
  }

  add(watch: Watch): void {
    this.watches.push(watch);
  }

  /** How many subscriptions are open. */
  get watching(): number {
    return this.watches.length;
  }

  async stopWatch(index: number): Promise<void> {
    const [watch] = this.watches.splice(index, 1);
    await watch?.stop();
  }

  /** Events of the log that were not there when it was last looked at. */
  async readTail(): Promise<Found[]> {
    const last = this.positions.at(-1);
    const found = await readAll(this.connected.stock, last ?? 'start', false);
    return last === undefined ? found : found.slice(1);
  }

  /** What was appended since the last look is what the model says, in its order. */
  async expectTail(model: Model): Promise<void> {
    const found = await this.readTail();
    this.expectEvents('the end of the log', found, model.log.slice(this.positions.length));
    this.learn(found);
  }

  expectEvents(what: string, found: readonly Found[], expected: readonly StoredEvent[]): void {
    const plain = found.map(({ position: _, ...event }, i) => (expected[i]?.id === undefined ? { ...event, id: undefined } : event));
    expectSame(what, plain, expected);
  }

  /** The answer to a write is the model's, and so is the log after it. */
  async expectWritten(what: string, found: FoundAppend, expected: Outcome, model: Model): Promise<void> {
    // Our adapter looks up a position that it was not told, and does not guess when the event is not shown.
    const isUnplaced = expected.kind === 'ok' && expected.repeated === 'hidden' && found.kind === 'unknown' && found.detail.includes('without a position');
    if (isUnplaced) return;
    if (expected.kind !== 'ok' || found.kind !== 'ok') expectSame(what, found, expected);
    else if (expected.revision !== undefined) expectSame(`${what}: revision`, found.revision, expected.revision);
    await this.expectTail(model);
    if (expected.kind !== 'ok' || found.kind !== 'ok' || expected.at === undefined) return;
    if (expected.repeated === 'hidden' && found.position === undefined) return;
    expectSame(`${what}: position`, found.position, this.positions[expected.at]);
  }

  learn(found: readonly Found[]): void {
    for (const { position } of found) {
      const last = this.positions.at(-1);
      if (last !== undefined && position <= last) throw new Error(`position ${position} follows ${last}`);
      this.positions.push(position);
    }
  }

  /** The whole log, both ways, is the model's. */
  async expectLog(model: Model): Promise<void> {
    const forward = await readAll(this.connected.stock, 'start', false);
    this.expectEvents('the log', forward, model.log);
    expectSame('positions of the log', forward.map(({ position }) => position), this.positions);
    expectSame('the log backwards', await readAll(this.connected.stock, 'end', true), [...forward].reverse());
  }

  /** Waits until every subscription has handed over what it must, and compares. */
  async settle(model: Model): Promise<void> {
    for (const { following } of this.watches) following.advance(model);
    for (const { following, seen, checkpoints, over } of this.watches) {
      // What came is compared as it comes: what is missing may never come.
      let compared = 0;
      const isComplete = (): boolean => {
        if (seen.length > compared) this.expectEvents(`subscription to ${following.says}`, seen.slice(compared), following.events.slice(compared, seen.length));
        compared = seen.length;
        return seen.length === following.events.length && checkpoints.length >= (following.checkpoints?.length ?? 0) && over() === following.ended;
      };
      await this.waitFor(() => `${following.says}: ${seen.length} of ${following.events.length} events, ${checkpoints.length} checkpoints, over ${over()}`, isComplete);
      if (following.checkpoints !== undefined) expectSame(`checkpoints of ${following.says}`, checkpoints, following.checkpoints.map((place) => this.positions[place]));
    }
    this.watches = this.watches.filter(({ following }) => !following.ended);
  }

  /** What subscriptions that were cut off had handed over is the beginning of what they should have. */
  expectBeginnings(lost: readonly Watch[], model: Model): void {
    for (const { following, seen } of lost) {
      following.advance(model);
      this.expectEvents(`cut subscription to ${following.says}`, seen, following.events.slice(0, seen.length));
    }
  }

  /** Ends the server and starts it on the same files. Gives the subscriptions that this ended. */
  async restart(how: 'SIGTERM' | 'SIGKILL', dropIndex: boolean): Promise<readonly Watch[]> {
    await this.host.end(how);
    const lost = this.watches.filter(({ following }) => following.endsWithConnection);
    for (const { following, over } of lost) await this.waitFor(() => `${following.says} ends with its server`, over);
    this.watches = this.watches.filter((watch) => !lost.includes(watch));
    await this.connected.stock.dispose();
    if (dropIndex) this.host.dropIndex();
    await this.host.start();
    const { adapter } = this.connected;
    this.connected = { stock: this.connectStock(), adapter };
    await this.waitFor(() => 'the adapter is connected again', async () => (await adapter.head()).ok);
    return lost;
  }

  async close(): Promise<void> {
    await Promise.all(this.watches.map((watch) => watch.stop()));
    await this.connected.adapter.close();
    await this.connected.stock.dispose();
    await this.host.remove();
  }

  private async waitFor(what: () => string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const untilMs = performance.now() + this.waitMsMax;
    while (!(await condition())) {
      if (performance.now() > untilMs) throw new Error(`not within ${this.waitMsMax} ms: ${what()}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  private connectStock(): EventStoreDBClient {
    return EventStoreDBClient.connectionString(`${this.url}&defaultDeadline=${DEADLINE_MS}`);
  }
}
