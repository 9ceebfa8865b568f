import type { Call } from '../grpc/call.ts';
import { unary } from '../grpc/server.ts';
import type { Handler } from '../grpc/server.ts';
import { StoreError, errorText } from '../errors.ts';
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

const STREAMS = '/event_store.client.streams.Streams';

export interface AdvertisedAddress {
  host: string;
  port: number;
}

/** The protocol's calls over one store. */
export class Services {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly subscriptions = new Set<LiveSubscription>();
  private readonly store: Store;
  private readonly shower: EventShower;
  private readonly batches = new Set<BatchAppendCall>();
  private readonly reads = new Set<Call>();

  /** `advertised` is read at each gossip, as the port is known only after listening. */
  constructor(store: Store, advertised: AdvertisedAddress) {
    this.store = store;
    this.shower = new EventShower(store);
    const instanceId = newInstanceId();
    const failed = (call: Call, error: unknown): void => this.failCall(call, error);
    this.handlers = new Map<string, Handler>([
      [`${STREAMS}/Append`, appendHandler(store)],
      [`${STREAMS}/BatchAppend`, (call) => this.batchAppend(call)],
      [`${STREAMS}/Delete`, unary(deleteHandler(store, 'soft_delete'), failed)],
      [`${STREAMS}/Tombstone`, unary(deleteHandler(store, 'tombstone'), failed)],
      [`${STREAMS}/Read`, unary((call, message) => this.read(call, message), failed)],
      ['/event_store.client.server_features.ServerFeatures/GetSupportedMethods', unary((call) => call.end(supportedMethods()), failed)],
      ['/event_store.client.gossip.Gossip/Read', unary((call) => call.end(gossip(instanceId, advertised.host, advertised.port)), failed)],
    ]);
  }

  /** Answers what was accepted, then ends every long call with a status that says why. */
  async shutDown(): Promise<void> {
    for (const batch of this.batches) batch.shutDown();
    await this.store.drain();
    for (const call of this.reads) call.fail(shuttingDown());
  }

  private batchAppend(call: Call): void {
    this.batches.add(new BatchAppendCall(call, this.store, (over) => this.batches.delete(over)));
  }

  private read(call: Call, message: Buffer): void {
    const request = decodeReadRequest(message);
    const context = { call, store: this.store, shower: this.shower, request };
    this.reads.add(call);
    call.onOver(() => this.reads.delete(call));
    const { stream, count } = request;
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
