import { EventStoreDBClient, UnavailableError } from '@eventstore/db-client';
import { Client as GrpcClient, connectivityState } from '@grpc/grpc-js';
import type { CallOptions, ChannelInterface, ClientDuplexStream, ClientReadableStream, Metadata } from '@grpc/grpc-js';
import type { Log } from '@tallystick/ports';

const READ = '/event_store.client.streams.Streams/Read';
const BATCH_APPEND = '/event_store.client.streams.Streams/BatchAppend';
const SUPPORTED_METHODS = '/event_store.client.server_features.ServerFeatures/GetSupportedMethods';
// How long one harmless call may take to say why a connection fails.
const PROBE_DEADLINE_MS = 500;

const asIs = (bytes: Buffer): Buffer => bytes;

/** gRPC takes a stack for every call, to show it should the call fail. Ours are told apart by what they ask for, and there are thousands a second. */
const withoutStack = <T>(call: () => T): T => {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return call();
  } finally {
    Error.stackTraceLimit = limit;
  }
};

/** A gRPC client on one channel. Calls on it may throw once the channel is closed. */
export type Wire = GrpcClient;

/**
 * The official client, opened from the inside: discovery, TLS, credentials and channels stay its own, calls are made with our
 * own bytes. Its batch append is never used: that keeps the pending appends of the whole process in one table, rejects them all
 * when any connection fails, crashes on the answers that come later, and has no deadline.
 */
export class RawStoreClient extends EventStoreDBClient {
  /**
   * Makes a client for a connection string. The static maker of the official client cannot make subclasses, so the object it
   * made is given this prototype; what the official constructor set up stays.
   */
  static open(connectionString: string, log: Log): RawStoreClient {
    const client = EventStoreDBClient.connectionString(connectionString);
    Object.setPrototypeOf(client, RawStoreClient.prototype);
    const opened = client as RawStoreClient;
    opened.harden(log);
    return opened;
  }

  /** The client on the current channel; makes a channel if there is none. May reject while discovery finds no server. */
  wire(): Promise<Wire> {
    return this.execute(GrpcClient, 'tallystick', (wire) => Promise.resolve(wire));
  }

  batchAppend(wire: Wire): ClientDuplexStream<Buffer, Buffer> {
    const [metadata, options] = this.arguments(Infinity);
    return wire.makeBidiStreamRequest(BATCH_APPEND, asIs, asIs, metadata, options);
  }

  /** `deadline` as gRPC takes it: wall-clock time, or Infinity. */
  read(wire: Wire, request: Buffer, deadline: Date | number): ClientReadableStream<Buffer> {
    const [metadata, options] = this.arguments(deadline);
    return withoutStack(() => wire.makeServerStreamRequest(READ, asIs, asIs, request, metadata, options));
  }

  /** Why calls on this channel fail, in the words of gRPC; empty if they do not. Never rejects. */
  reasonOf(wire: Wire): Promise<string> {
    return new Promise((resolve) => {
      try {
        const [metadata, options] = this.arguments(new Date(Date.now() + PROBE_DEADLINE_MS));
        wire.makeUnaryRequest(SUPPORTED_METHODS, asIs, asIs, Buffer.alloc(0), metadata, options, (error) => {
          resolve(error === null ? '' : error.details);
        });
      } catch (error) {
        resolve(error instanceof Error ? error.message : String(error));
      }
    });
  }

  /**
   * Gives the client's channel up if `wire` is still on it, so that the next call makes a new one, on another node if the
   * error names a leader. Never rejects.
   */
  abandon(wire: Wire, error?: Error): Promise<void> {
    return this.handleError(wire, error ?? new UnavailableError());
  }

  closeChannel(wire: Wire): void {
    wire.getChannel().close();
  }

  private arguments(deadline: Date | number): [Metadata, CallOptions] {
    return this.callArguments({}, { deadline });
  }

  private harden(log: Log): void {
    // The client picks batch append when the server offers it; unary append is isolated and has a deadline.
    this.supports = () => Promise.resolve(false);
    const handleError = this.handleError;
    this.handleError = async (wire, error) => {
      // In a turn of its own: were the channel closed between two steps of a call just being made, that call would throw inside
      // the client where nobody can catch it.
      await new Promise<void>((resolve) => setImmediate(resolve));
      try {
        await handleError(wire, error);
      } catch (cause) {
        // Nobody awaits this inside the client: a rejection here would end the process.
        log.write('debug', 'store.channel_change_failed', { detail: cause instanceof Error ? cause.message : String(cause) });
      }
    };
  }
}

export function isReady(wire: Wire): boolean {
  return wire.getChannel().getConnectivityState(false) === connectivityState.READY;
}

/** Connects a channel. Resolves true when it is ready, false when the attempt failed; never if neither happens. */
export async function connectChannel(channel: ChannelInterface): Promise<boolean> {
  for (;;) {
    const state = channel.getConnectivityState(true);
    if (state === connectivityState.READY) return true;
    if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) return false;
    const changed = await new Promise<boolean>((resolve) => {
      try {
        channel.watchConnectivityState(state, Infinity, (error) => resolve(error === undefined || error === null));
      } catch {
        // Thrown for a channel that is shut down.
        resolve(false);
      }
    });
    if (!changed) return false;
  }
}
