import type { Log, Metrics, Ports, Stop } from '@tallystick/ports';
import type { RawStoreClient, Wire } from './client.ts';
import { connectChannel, isReady } from './client.ts';
import { faultOf } from './faults.ts';
import { METRIC } from './metrics.ts';

// A local store that restarts is back within a quarter of a second: the first tries are quick, the later ones cheap.
const RETRY_FIRST_MS = 25;
const RETRY_MAX_MS = 500;
// One attempt: long enough for TLS over a slow link, short enough to try another node.
const ATTEMPT_MS = 3_000;

/** Keeps a ready connection: everything else asks it for one before it writes, so that "nothing was sent" is known. */
export class Connector {
  private readonly client: RawStoreClient;
  private readonly ports: Ports;
  private readonly log: Log;
  private readonly metrics: Metrics | undefined;
  private readonly shown: string;
  private readonly stopping = new AbortController();
  private readonly waiting = new Set<(wire: Wire | undefined) => void>();
  private current: Wire | undefined;
  private readonly discardListeners = new Set<(wire: Wire) => void>();
  private connecting: Promise<void> | undefined;
  /** Channels are closed in a turn of their own; a new one may only be asked for after that. */
  private leaving: Promise<void> = Promise.resolve();
  private reason = 'not connected yet';

  constructor(options: { client: RawStoreClient; ports: Ports; log: Log; metrics: Metrics | undefined; shown: string }) {
    this.client = options.client;
    this.ports = options.ports;
    this.log = options.log;
    this.metrics = options.metrics;
    this.shown = options.shown;
  }

  /** The connection if there is one this instant. */
  now(): Wire | undefined {
    return this.current !== undefined && isReady(this.current) ? this.current : undefined;
  }

  /**
   * A ready connection, or `undefined` after `withinMs` or when closed. Without a limit it waits for ever. Connecting goes on
   * when the caller has given up, so that the next one finds it done.
   */
  async ready(withinMs?: number): Promise<Wire | undefined> {
    const wire = this.now();
    if (wire !== undefined || this.stopping.signal.aborted) return wire;
    return new Promise((resolve) => {
      const done = new AbortController();
      const settle = (found: Wire | undefined): void => {
        this.waiting.delete(settle);
        done.abort();
        resolve(found);
      };
      this.waiting.add(settle);
      if (withinMs !== undefined) void this.ports.timers.sleep(withinMs, 'store.connection', done.signal).then(() => settle(undefined));
      this.connecting ??= this.connect();
    });
  }

  /** Why there is no connection, for people. */
  whyNot(): string {
    return `no connection to ${this.shown}: ${this.reason}`;
  }

  /** Tells that a call on `wire` failed. A connection that is broken, or leads to the wrong node, is given up. */
  async failed(wire: Wire, error: unknown): Promise<void> {
    const fault = faultOf(error);
    this.reason = fault.detail;
    if (fault.kind === 'not_leader' && error instanceof Error) await this.leave(wire, error);
    else if (fault.kind === 'transport' && !isReady(wire)) await this.leave(wire);
  }

  /** Gives up a connection that looks healthy but does not answer. */
  async discard(wire: Wire, why: string): Promise<void> {
    let left: Promise<void> = Promise.resolve();
    // Many appends may find the same connection silent.
    if (this.current === wire) {
      this.reason = why;
      this.log.write('warn', 'store.connection_discarded', { store: this.shown, why });
      left = this.leave(wire);
    }
    for (const listener of [...this.discardListeners]) listener(wire);
    await left;
  }

  /** Calls `listener` when a connection is given up while calls on it may still be open. Returns how to stop that. */
  onDiscard(listener: (wire: Wire) => void): Stop {
    this.discardListeners.add(listener);
    return () => void this.discardListeners.delete(listener);
  }

  async close(): Promise<void> {
    this.stopping.abort();
    for (const settle of [...this.waiting]) settle(undefined);
    await this.connecting;
    if (this.current !== undefined) this.client.closeChannel(this.current);
    this.current = undefined;
  }

  private leave(wire: Wire, error?: Error): Promise<void> {
    if (this.current === wire) this.current = undefined;
    this.leaving = this.client.abandon(wire, error);
    return this.leaving;
  }

  private async connect(): Promise<void> {
    let pauseMs = RETRY_FIRST_MS;
    for (let attempt = 1; !this.stopping.signal.aborted; attempt += 1) {
      await this.leaving;
      const wire = await this.attempt(attempt);
      if (wire !== undefined) {
        this.current = wire;
        this.connecting = undefined;
        this.log.write('info', 'store.connected', { store: this.shown, attempt });
        this.metrics?.count(METRIC.connections, { outcome: 'connected' });
        for (const settle of [...this.waiting]) settle(wire);
        return;
      }
      this.metrics?.count(METRIC.connections, { outcome: 'failed' });
      await this.ports.timers.sleep(pauseMs, 'store.reconnect', this.stopping.signal);
      pauseMs = Math.min(pauseMs * 2, RETRY_MAX_MS);
    }
    this.connecting = undefined;
  }

  private async attempt(nth: number): Promise<Wire | undefined> {
    const giveUp = new AbortController();
    const abandonOnStop = (): void => giveUp.abort();
    this.stopping.signal.addEventListener('abort', abandonOnStop, { once: true });
    const opened: { wire?: Wire } = {};
    try {
      const connected = (async () => {
        const wire = await this.client.wire();
        opened.wire = wire;
        if (!giveUp.signal.aborted) return connectChannel(wire.getChannel());
        // Discovery answered after the attempt was given up: nothing may be left behind.
        await this.client.abandon(wire);
        return false;
      })();
      // Once the race is lost nobody looks at it any more.
      connected.catch(() => undefined);
      const inTime = await Promise.race([connected, this.ports.timers.sleep(ATTEMPT_MS, 'store.connect_attempt', giveUp.signal).then(() => undefined)]);
      if (inTime === true) return opened.wire;
      if (nth === 1 && opened.wire !== undefined) this.reason = (await this.client.reasonOf(opened.wire)) || 'the connection is not made in time';
    } catch (error) {
      this.reason = faultOf(error).detail;
    } finally {
      this.stopping.signal.removeEventListener('abort', abandonOnStop);
      giveUp.abort();
    }
    if (nth === 1) this.log.write('warn', 'store.unreachable', { store: this.shown, reason: this.reason });
    if (opened.wire !== undefined) await this.client.abandon(opened.wire);
    return undefined;
  }
}
