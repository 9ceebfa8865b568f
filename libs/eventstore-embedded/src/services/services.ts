import type { Call } from '../grpc/call.ts';
import { GRPC } from '../grpc/call.ts';
import { unary } from '../grpc/server.ts';
import type { Handler } from '../grpc/server.ts';
import { StoreError, errorText } from '../errors.ts';
import { LIMIT_STEP_MS } from '../store/group-commit.ts';
import type { Store } from '../store/store.ts';
import { decodeReadRequest } from '../wire/read-codec.ts';
import { appendHandler, deleteHandler } from './append.ts';
import { BatchAppendCall } from './batch-append.ts';
import { failureOf, shuttingDown } from './failures.ts';
import { gossip, newInstanceId, supportedMethods } from './node-info.ts';
import { readAll, readStream } from './read.ts';
import { EventShower } from './show.ts';
import { subscribeAll, subscribeStream } from './subscribe.ts';
import type { LiveSubscription } from './subscribe.ts';
import type { WriteContext } from './write-context.ts';
import type { WriteRules } from './write-rules.ts';

const STREAMS = '/event_store.client.streams.Streams';
const SUPPORTED_METHODS = '/event_store.client.server_features.ServerFeatures/GetSupportedMethods';
const GOSSIP = '/event_store.client.gossip.Gossip/Read';

/** The client asks these without credentials, before anything else. They tell what every server of this kind is and the address it was reached at. */
export const OPEN_PATHS: ReadonlySet<string> = new Set([SUPPORTED_METHODS, GOSSIP]);

export interface AdvertisedAddress {
  host: string;
  port: number;
}

export interface ServicesOptions {
  readonly store: Store;
  readonly rules: WriteRules;
  /** How long a complete write may wait for its answer. */
  readonly writeTimeoutMs: number;
  /** Read at each gossip, as the port is known only after listening. */
  readonly advertised: AdvertisedAddress;
}

/** The protocol's calls over one store. */
export class Services {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly subscriptions = new Set<LiveSubscription>();
  private readonly store: Store;
  private readonly shower: EventShower;
  private readonly batches = new Set<BatchAppendCall>();
  private readonly appends = new Set<Call>();
  private readonly reads = new Set<Call>();
  private readonly subscribers = new Set<Call>();

  constructor({ store, rules, writeTimeoutMs, advertised }: ServicesOptions) {
    this.store = store;
    const writes: WriteContext = { store, rules, writeTimeoutMs: Math.max(writeTimeoutMs, LIMIT_STEP_MS) };
    this.shower = new EventShower(store);
    const instanceId = newInstanceId();
    const failed = (call: Call, error: unknown): void => this.failCall(call, error);
    this.handlers = new Map<string, Handler>([
      [`${STREAMS}/Append`, this.appending(appendHandler(writes))],
      [`${STREAMS}/BatchAppend`, (call) => this.batchAppend(call, writes)],
      [`${STREAMS}/Delete`, unary(deleteHandler(writes, 'soft_delete'), failed)],
      [`${STREAMS}/Tombstone`, unary(deleteHandler(writes, 'tombstone'), failed)],
      [`${STREAMS}/Read`, unary((call, message) => this.read(call, message), failed)],
      [SUPPORTED_METHODS, unary((call) => call.end(supportedMethods()), failed)],
      [GOSSIP, unary((call) => call.end(gossip(instanceId, advertised.host, advertised.port)), failed)],
    ]);
  }

  /** Answers what was accepted, then ends every long call with a status that says why. */
  async shutDown(): Promise<void> {
    for (const batch of this.batches) batch.shutDown();
    await this.store.drain();
    for (const call of [...this.appends, ...this.subscribers]) call.fail(shuttingDown());
    // A read that is cut short looks the same whether its status or the end of the connection comes first.
    for (const call of this.reads) call.fail({ ...shuttingDown(), code: GRPC.CANCELLED });
  }

  /** Keeps the calls that are still sending: those are told that nothing will come of it. */
  private appending(handler: Handler): Handler {
    return (call) => {
      this.appends.add(call);
      call.onOver(() => this.appends.delete(call));
      handler(call);
    };
  }

  private batchAppend(call: Call, writes: WriteContext): void {
    this.batches.add(new BatchAppendCall(call, writes, (over) => this.batches.delete(over)));
  }

  private read(call: Call, message: Buffer): void {
    const request = decodeReadRequest(message);
    const context = { call, store: this.store, shower: this.shower, request };
    const { stream, count } = request;
    const calls = count === undefined ? this.subscribers : this.reads;
    calls.add(call);
    call.onOver(() => calls.delete(call));
    const running =
      count === undefined
        ? stream === undefined ? subscribeAll(context, this.subscriptions) : subscribeStream(context, stream, this.subscriptions)
        : stream === undefined ? readAll(context) : readStream(context, stream);
    running.catch((error: unknown) => this.failCall(call, error));
  }

  private failCall(call: Call, error: unknown): void {
    if (error instanceof StoreError) {
      this.store.metrics.damagedReads.add(1);
      this.store.log.write('error', 'store_record_damaged', { detail: error.message, remedy: error.remedy });
    }
    const failure = failureOf(error);
    this.store.log.write('debug', 'store_call_failed', { path: call.path, detail: errorText(error) });
    call.fail(failure);
  }
}
